"""A rig profile in the list of those that can be used."""

from .base import Document
from .calibration import Verdict


class ProfileEntry(Document):
    """One profile, without its figures.

    Attributes:
        path: of its TOML.
        shipped: whether it came with the station; the others are the user's own.
        in_use: whether scans are taken with it.
        created: as the profile says.
        measured: False: a starting point from nominal figures.
        board_id: of the board it belongs to; empty: not known.
        verdict: on the calibration as a whole.
        fault: why it cannot be used; empty: it can.
    """

    name: str
    path: str
    shipped: bool
    in_use: bool
    created: str = ""
    simulated: bool = False
    measured: bool = False
    board_id: str = ""
    verdict: Verdict = "not_assessed"
    fault: str = ""
