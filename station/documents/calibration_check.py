"""What `station calibrate check` finds: whether a rig is still the one that was calibrated."""

from .base import Document
from .calibration import CalibrationQuality
from .rig import LightVerdict


class CheckStarted(Document):
    """The check's identity; it is the `cause` of the event `calibrate.checked` that ends it."""

    check_id: str


class CalibrationCheck(Document):
    """A rig held against its profile.

    Attributes:
        quality: figures with their verdicts, and what is wrong in words.
        lights: each light as the camera sees it.
    """

    profile: str
    profile_sha256: str
    simulated: bool
    quality: CalibrationQuality
    lights: tuple[LightVerdict, ...]
