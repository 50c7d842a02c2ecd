"""`station doctor` without a daemon."""

from ..archive.catalogue import Catalogue
from ..archive.database import FILE
from ..config import Settings
from ..documents.doctor import Check, DoctorReport
from ..documents.fault import StationError
from ..scan.doctor.devices import board, camera
from ..scan.doctor.examination import examined
from ..scan.doctor.holdings import Holdings, holdings
from .devices import OwnDevices


def examine(settings: Settings) -> DoctorReport:
    """Look at everything; the board is opened for a moment where it is real and free."""
    first = board(settings.rig.port)
    first, firmware = _asked(settings, first)
    checks = (first, camera(settings.camera))
    return DoctorReport(by="offline", checks=examined(settings, checks, _held(settings), firmware))


def _asked(settings: Settings, found: Check) -> tuple[Check, str | None]:
    """What the board says of itself, if it can be asked."""
    if found.state != "ok" or settings.rig.port == "twin":
        return found, None
    try:
        with OwnDevices(settings) as own:
            info = own.rig.info
            said = f"{info.board} answers at {info.port}, {info.light_count} lights"
            return found.replace(said=said), info.firmware
    except StationError as error:
        return Check(name="board", state="bad", said=str(error), next_step=error.hint), None


def _held(settings: Settings) -> Holdings | StationError | None:
    root = settings.station.data
    if not (root / FILE).is_file():
        return None
    # what the last stop left is for the next start to mend: an orderly stop must not be noted before
    catalogue = Catalogue(root, station=settings.station.name)
    try:
        with catalogue.looking():
            return holdings(catalogue, integrity=True)
    except StationError as error:
        return error
