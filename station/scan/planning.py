"""From the settings and the rig's profile to the plan of a scan."""

import logging

from ..calibrate.sensor.flicker import kept_exposure_us
from ..config import ScanSettings
from ..documents.plan import ScanPlan
from ..documents.profile import CameraProfile

log = logging.getLogger(__name__)


def plan_of(scan: ScanSettings, camera: CameraProfile) -> ScanPlan:
    """What is going to be done: the exposure that was asked for, kept to the flicker of the room's lamps."""
    exposure_us = kept_exposure_us(scan.exposure_us, camera.mains_hz)
    why = ""
    if exposure_us != scan.exposure_us:
        why = (
            f"exposed for {exposure_us} µs instead of {scan.exposure_us}: whole half periods of "
            f"{camera.mains_hz} Hz, over which the flicker of the room's lamps averages out"
        )
        log.info("%s", why)
    return ScanPlan(
        exposure_us=exposure_us,
        exposure_why=why,
        gain=scan.gain,
        max_on_ms=scan.max_on_ms,
        attempts_per_light=scan.attempts_per_light,
        rectified_dpi=scan.rectified_dpi,
    )
