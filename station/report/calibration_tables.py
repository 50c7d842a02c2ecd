"""What the page of a calibration says about lights, steps and provenance."""

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np

from ..documents.calibration import LightFit, Verdict
from ..documents.profile import LightProfile, RigProfile
from .calibration_facts import CalibrationFacts, CalibrationStep
from .tables import entry
from .text import NOT_MEASURED, element, moment, number
from .verdict import badge, with_uncertainty

_STATES: dict[str, Verdict] = {
    "done": "pass", "ok": "pass", "pass": "pass", "accepted": "pass", "usable": "usable", "warned": "usable",
    "failed": "redo", "redo": "redo", "refused": "redo",
}  # fmt: skip


def lights_table(facts: CalibrationFacts) -> str:
    """One row per light: where it is, how well that is known, how bright it is, how well it fits."""
    lights, fits = facts.profile.lights, {fit.light: fit for fit in facts.profile.calibration.lights}
    powers = np.array([np.mean(light.power) for light in lights])
    usual = float(powers.mean()) if len(powers) else 1.0
    nominal = facts.layout_positions_mm
    names = ["Light", "x, mm", "y, mm", "z, mm", "Direction", "Power", "Reflections", "Flat field"]
    if nominal is not None:
        names.insert(4, "Off nominal")
    rows = []
    for k, light in enumerate(lights):
        cells = _light_cells(light, fits.get(k), powers[k] / usual if usual > 0 else float("nan"))
        if nominal is not None:
            off = float(np.linalg.norm(np.array(light.position_mm) - nominal[k]))
            cells.insert(3, number(off if isfinite(off) else None, 1, "mm"))
        rows.append(f"<tr>{element('th', str(k), scope='row')}{''.join(map(_cell, cells))}</tr>")
    head = "".join(element("th", name, scope="col") for name in names)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _light_cells(light: LightProfile, fit: LightFit | None, share: float) -> list[str]:
    where = [number(at if isfinite(at) else None, 1) for at in light.position_mm]
    if fit:
        where = [
            with_uncertainty(*known) for known in zip(light.position_mm, fit.position_sigma_mm, strict=True)
        ]
    power = with_uncertainty(100 * share, fit.power_sigma_percent if fit else None, "%")
    if fit is None:
        return [*where, NOT_MEASURED, power, NOT_MEASURED, NOT_MEASURED]
    return [
        *where,
        f"± {number(fit.direction_sigma_deg, 3, '°')}",
        power,
        number(fit.highlight_rms_px, 2, "px"),
        number(fit.flat_rms_percent, 2, "%"),
    ]


def _cell(value: str) -> str:
    return element("td", value, class_="missing") if value == NOT_MEASURED else element("td", value)


def steps_list(steps: Sequence[tuple[str, str, str, str]]) -> str:
    """What was done, in order; the state as sign and word."""
    if not steps:
        return element("p", "The steps were not recorded.", class_="absent muted")
    return f'<ol class="steps">{"".join(_step(CalibrationStep(*step)) for step in steps)}</ol>'


def _step(step: CalibrationStep) -> str:
    state = badge(_STATES.get(step.state.casefold(), "not_assessed"), step.state.capitalize())
    detail = element("p", step.detail)
    when = element("time", moment(step.when) if step.when else "time not recorded")
    return f"<li>{state}{element('b', step.title)}{detail}{when}</li>"


def provenance(facts: CalibrationFacts) -> str:
    """What the profile was made with: enough to know whether it still holds."""
    profile = facts.profile
    return _entries({
        "Rig": profile.name,
        "Session": facts.session,
        "Calibrated": moment(profile.created),
        "Temperature": number(profile.temperature_c, 1, "°C"),
        "Board": profile.board_id,
        "Software": facts.software,
        "Profile hash": facts.profile_sha256,
        "Flat target": _target(profile),
        "Note": profile.note or "none",
    })  # fmt: skip


def camera(profile: RigProfile) -> str:
    """The camera's mode, and what was found about it."""
    camera = profile.camera
    black, full = number(camera.black_level, 1), number(camera.full_scale, 0)
    return _entries({
        "Picture": f"{camera.width_px} × {camera.height_px} px, {camera.bit_depth} bit",
        "Codes": f"black {black}, full scale {full}",
        "Response": "linear" if camera.response == "linear" else f"curve, gamma {camera.gamma:.2f}",
        "Rows": f"read out over {number(camera.readout_us / 1000, 1, 'ms')}",
        "Sharpness": number(camera.mtf50_cy_per_mm, 1, "cycles/mm (MTF50)"),
        "Sharpening": number(camera.overshoot_percent, 1, "% overshoot"),
        "Scale": number(camera.scale_um_per_px, 2, "µm per px"),
        "Mains": f"{camera.mains_hz} Hz" if camera.mains_hz else "no flicker seen",
    })  # fmt: skip


def _entries(said: Mapping[str, str]) -> str:
    return "".join(entry(name, value or "not recorded") for name, value in said.items())


def _target(profile: RigProfile) -> str:
    flat = profile.flat_field
    exposure = number(flat.exposure_us / 1000, 1, "ms")
    return f"reflectance {flat.reflectance:g}, {exposure}, {number(flat.plane_z_mm, 2, 'mm')} above the mat"


def controls(profile: RigProfile) -> str:
    """The camera's controls as it read them back."""
    if not profile.controls:
        return element("p", "They were not recorded.", class_="muted")
    entries = "".join(entry(name.replace("_", " "), str(value)) for name, value in profile.controls.items())
    return f'<dl class="controls">{entries}</dl>'
