"""What went wrong with the board, in one sentence and under its code."""

from ..documents.fault import StationError
from ..wire import messages as m
from .conversation import SilentError


def not_open(port: str) -> StationError:
    """A call on a rig that was not opened."""
    return StationError("rig_missing", f"the rig at {port} is not open")


def restarted(port: str) -> StationError:
    """The board has another boot nonce, or no session."""
    return StationError("rig_fault", f"the board at {port} restarted by itself; its lights are off")


def lost(port: str, error: Exception) -> StationError:
    """No word from the board, or no port any more."""
    if isinstance(error, SilentError):
        return StationError("rig_silent", f"the board at {port} does not answer any more: {error}")
    return StationError("rig_missing", f"the cable to {port} is out, or the board has gone: {error}")


def board_fault(fault: m.Fault, step: int) -> StationError:
    """What the board itself latched."""
    where = "" if step == m.NO_STEP else f" in step {step} of the exposure programme"
    return StationError("rig_fault", f"the board switched its lights off{where}: {fault.says}")
