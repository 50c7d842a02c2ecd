"""What a scan's reader must know of the profile that it was computed with."""

from ..documents.profile import RigProfile
from .sensor.sharpening import SHARPENS_PERCENT


def warnings_of(profile: RigProfile) -> tuple[str, ...]:
    """One sentence for each reason why figures of scans may be wrong; none for a sound profile."""
    found = []
    if not profile.measured:
        found.append(
            f"The profile {profile.name} was never measured on this rig: it is from nominal figures."
        )
    if profile.calibration.verdict == "redo":
        why = f": {profile.calibration.reason}" if profile.calibration.reason else "."
        found.append(f"The profile {profile.name} has to be calibrated anew{why}")
    overshoot = profile.camera.overshoot_percent
    if overshoot is not None and overshoot > SHARPENS_PERCENT:
        found.append(
            f"The camera sharpens its pictures by {overshoot:.0f} % at edges: small relief is exaggerated."
        )
    return tuple(found)
