"""The figures of a calibration, each with its verdict."""

from collections.abc import Iterator

import numpy as np

from ...calibrate.quality import judged, quality, told
from ...documents.calibration import CalibrationFinding, CalibrationQuality, Figure
from .known import Known


def assessed(known: Known) -> CalibrationQuality:
    """How good it is, and why."""
    figures = (*_lights(known), *_optics(known), *_sensor(known), *_colour(known))
    return quality(figures, known.lights.fits, tuple(_findings(known)))


def _lights(known: Known) -> Iterator[Figure]:
    fits = known.lights.fits
    directions = [fit.direction_sigma_deg for fit in fits]
    places = [float(np.linalg.norm(fit.position_sigma_mm)) for fit in fits]
    yield judged("light_direction_deg", max(directions, default=None))
    yield judged("light_position_mm", max(places, default=None))
    yield judged("flat_residual_percent", _rms([fit.flat_rms_percent for fit in fits]))
    noises = [take.figures["noise_percent"] for take in known.session.takes("flat").values()]
    yield judged("flat_noise_percent", noises[0] if noises else None)
    yield judged("highlight_residual_px", _rms([fit.highlight_rms_px for fit in fits]))
    bow = known.lights.sheet_bow_mm
    yield judged("sheet_bow_mm", None if bow is None else abs(bow), known.lights.sheet_bow_sigma_mm)


def _rms(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.sqrt(np.mean(np.square(there)))) if there else None


def _optics(known: Known) -> Iterator[Figure]:
    lens, plane = known.optics.lens, known.optics.plane
    yield judged("lens_residual_px", lens.residual_px)
    yield judged("focal_percent", 100 * float(lens.sigma[0]) / lens.matrix[0])
    yield judged("plane_residual_px", plane.residual_px)
    yield judged("scale_percent", 100 * plane.scale_sigma)
    yield told("plane_tilt_deg", "Tilt of the card plane", plane.tilt_deg, plane.tilt_sigma_deg, "°")
    scale = plane.scale_um_per_px
    yield told("scale_um_per_px", "Scale", scale, scale * plane.scale_sigma, "µm/px")


def _sensor(known: Known) -> Iterator[Figure]:
    arrays, timing = known.sensor, known.timing
    a, b, a_sigma, b_sigma = arrays["noise"].tolist()
    yield told("noise_a", "Noise: variance per code", a, a_sigma)
    yield told("noise_b", "Noise: variance in the dark", b, b_sigma)
    yield judged("overshoot_percent", known.told("overshoot_percent"))
    yield told("mtf50_cy_per_mm", "Sharpness (MTF50)", known.camera().mtf50_cy_per_mm, unit="cycles/mm")
    yield told("gamma", "Gamma of the camera", float(arrays["gamma"]))
    yield judged("nonlinearity_percent", float(arrays["residual_percent"][0]))
    readout, sigma = timing["readout_us"].tolist()
    is_known = bool(timing["readout_known"])
    yield told("readout_us", "Readout of the shutter", readout if is_known else None, sigma, "µs")
    mains = float(timing["mains_percent"]) if bool(timing["mains_assessed"]) else None
    yield judged("mains_percent", mains)


def _colour(known: Known) -> Iterator[Figure]:
    yield judged("colour_delta_e", known.colour.delta_e_mean if known.colour else None)


def _findings(known: Known) -> Iterator[CalibrationFinding]:
    """What was found when everything was put together, and what the steps that count said."""
    yield from _refused(known.bench.refused)
    yield from known.lights.findings
    yield from known.optics.lens.findings
    yield from known.optics.plane.findings
    if known.colour is not None:
        yield from known.colour.findings
    seen = set()
    for take in known.session.document.takes:
        counts = known.session.takes(take.step).get(take.place) is take
        for finding in take.findings if counts else ():
            if (finding.kind, finding.lights) not in seen:
                seen.add((finding.kind, finding.lights))
                yield finding


def _refused(sentences: tuple[str, ...]) -> Iterator[CalibrationFinding]:
    """Controls of the camera that would not go to their neutral value."""
    for sentence in sentences:
        yield CalibrationFinding(
            kind="control_refused",
            message=sentence,
            next_step="Nothing, if response and sharpening are measured to be fine; else use another camera.",
            severe=False,
        )
