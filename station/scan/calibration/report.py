"""The page of a calibration, from what is known at its end."""

import numpy as np

from ...calibrate.profile import LoadedProfile
from ...report.calibration import render_calibration
from ...report.calibration_facts import CalibrationFacts, CalibrationStep
from .known import Known
from .looks import ball_looks


def report_of(known: Known, profile: LoadedProfile) -> bytes:
    """The self-contained HTML page."""
    session, lens = known.session, known.optics.lens
    balls = [look.centre_px for look in ball_looks(session)]
    start = known.bench.start.profile.lights
    return render_calibration(
        CalibrationFacts(
            profile=profile.profile,
            profile_sha256=profile.sha256,
            software=session.document.software,
            session=session.document.id,
            layout_positions_mm=np.array([light.position_mm for light in start]),
            flat_field=profile.flat,
            flat_residual_percent=known.lights.residual_percent.astype(np.float32),
            lens_residuals=np.column_stack([lens.corners_px, lens.residuals_px]),
            ball_places_px=np.array(balls) if balls else None,
            response=profile.response,
            noise_points=known.sensor["noise_points"],
            steps=_steps(known),
        )
    )


def _steps(known: Known) -> tuple[CalibrationStep, ...]:
    session = known.session
    last = {take.step: take for take in session.document.takes if take.usable}
    return tuple(
        CalibrationStep(
            title=step.title.split(",")[0],
            state=step.state,
            when=last[step.name].when if step.name in last else "",
            detail="; ".join(finding.message for finding in step.findings),
        )
        for step in session.state().steps
    )
