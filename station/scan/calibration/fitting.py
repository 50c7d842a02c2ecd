"""From what a session holds to lens, card plane and lights; used while it grows, and at its end."""

from dataclasses import dataclass

from ...calibrate.boards.lens import LensFit, fit_lens
from ...calibrate.boards.plane import PlaneFit, fit_plane
from ...calibrate.boards.print_scale import print_scale
from ...calibrate.lights.bundle import fit_lights
from ...calibrate.lights.bundle_result import LightsFit
from ...documents.fault import StationError
from ...documents.profile import CameraProfile
from .looks import ball_looks, board_views, flat_looks
from .session import Session
from .taking import Bench


@dataclass(frozen=True, slots=True)
class Optics:
    """The camera as the printed board showed it.

    Attributes:
        camera: lens and card plane; sensor and shutter are still those of the start.
    """

    lens: LensFit
    plane: PlaneFit
    camera: CameraProfile


def optics(session: Session, bench: Bench) -> Optics:
    """Fit lens and card plane to the views that were kept.

    Raises:
        StationError: `calibration_failed`, too few views, or no lens fits them.
    """
    takes = [take for step in ("plane", "lens") for take in session.takes(step).values()]
    key = (*(take.sha256 for take in takes), session.options.model_dump_json())
    if key not in session.remembered:
        session.remembered[key] = _optics(session, bench)
    found: Optics = session.remembered[key]
    return found


def _optics(session: Session, bench: Bench) -> Optics:
    options = session.options
    flat, tilted = board_views(session, "plane"), board_views(session, "lens")
    if not flat:
        raise StationError(
            "calibration_failed", "the board was not taken flat on the mat", "Take the step plane."
        )
    size = flat[0].size_px
    lens = fit_lens((*flat, *tilted), size)
    scale = print_scale(options.ruler_mm, options.ruler_read_mm)
    plane = fit_plane(flat[0], lens, options.board_mm, scale)
    return Optics(lens, plane, _camera(bench, lens, plane, size))


def _camera(bench: Bench, lens: LensFit, plane: PlaneFit, size: tuple[int, int]) -> CameraProfile:
    start = bench.start.profile.camera
    return start.replace(
        width_px=size[0],
        height_px=size[1],
        matrix=lens.matrix,
        distortion=lens.distortion,
        rotation=plane.rotation,
        translation_mm=plane.translation_mm,
    )


def lights(session: Session, bench: Bench, camera: CameraProfile) -> LightsFit:
    """Fit the lights to the flat fields and the spheres that were kept.

    Raises:
        StationError: `calibration_failed`, too little was observed.
    """
    return fit_lights(
        camera,
        flat_looks(session),
        ball_looks(session),
        bench.start.profile.lights,
        session.options.reflectance,
    )
