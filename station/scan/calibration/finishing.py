"""From a session to a rig profile: fitted, judged, stored under a name of its own, with its report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...calibrate.lights.flatfield import flat_field
from ...calibrate.profile import load_profile
from ...calibrate.store import adopt, save
from ...documents.calibrating import CalibrationFinish, CalibrationOutcome
from ...documents.fault import StationError
from ...documents.profile import FlatFieldProfile, RigProfile
from ...share.durable import replace_file, storing
from ..pipeline import CARD_THICKNESS_MM
from .figures import assessed
from .known import Known
from .looks import flat_looks
from .report import report_of
from .session import Session
from .steps import step_named
from .taking import Bench

PROFILES = "profiles"


def finish(session: Session, data: Path, bench: Bench, request: CalibrationFinish) -> CalibrationOutcome:
    """Make the profile and its report; no profile that exists is touched.

    Raises:
        StationError: `calibration_failed`, steps are missing or cannot be made out; what the disk says.
    """
    _require_done(session)
    known = Known.of(session, bench)
    document, arrays = _profile(known, request.name or f"rig-{datetime.now(UTC):%Y-%m-%d}")
    path = save(data / PROFILES, document, arrays)
    loaded = load_profile(str(path))
    report = path.with_suffix(".html")
    with storing(report):
        replace_file(report, report_of(known, loaded))
    quality = loaded.profile.calibration
    adopted = request.adopt and quality.verdict in ("pass", "usable")
    if adopted:
        adopt(data / PROFILES, path.stem)
    session.note(profile=str(path))
    return CalibrationOutcome(
        name=path.stem, profile=str(path), report=str(report), adopted=adopted, quality=quality
    )


def _require_done(session: Session) -> None:
    open_steps = [one for one in session.state().steps if one.state in ("open", "begun", "stale")]
    needed = [one for one in open_steps if not one.optional or step_named(one.name).instead]
    if needed:
        names = ", ".join(one.name for one in needed)
        raise StationError(
            "calibration_failed",
            f"these steps are still to be taken: {names}",
            f"station calibrate step {needed[0].name}, or the guide: station calibrate",
        )


def _profile(known: Known, name: str) -> tuple[RigProfile, dict[str, NDArray[Any]]]:
    session, bench, fit = known.session, known.bench, known.lights
    looks = flat_looks(session)
    arrays: dict[str, NDArray[Any]] = {"flat": flat_field(fit, looks, known.optics.camera, CARD_THICKNESS_MM)}
    if known.response.table is not None:
        arrays["response"] = known.response.table
    for take in session.takes("mat").values():
        arrays |= session.arrays(take)
    document = RigProfile(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        simulated=session.document.simulated,
        board_id=bench.board,
        temperature_c=session.options.temperature_c,
        note=f"Made by the guided calibration {session.document.id}.",
        lights=fit.lights,
        camera=known.camera(),
        flat_field=FlatFieldProfile(
            file="flat.npz",
            sha256="",
            reflectance=session.options.reflectance,
            exposure_us=known.flat_exposure_us,
            plane_z_mm=CARD_THICKNESS_MM,
        ),
        controls=dict(bench.controls),
        mat="mat" in arrays,
        calibration=assessed(known),
    )
    return document, arrays
