"""The rig from above and from the front, to scale, with how well each light is known."""

from collections.abc import Callable, Sequence

import numpy as np

from ..documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from .calibration_facts import CalibrationFacts, Points
from .plot import Axes, Place, letters, line, said
from .rig_geometry import Rig, gather
from .text import element

_TOGETHER = 13.0  # units of the drawing: lights nearer to each other share one label
_AXIS_MM = 28.0  # drawn length of an axis of emission

Project = Callable[[Points], Place]


def rig_drawing(facts: CalibrationFacts) -> str:
    """Both views and what their signs mean, as markup."""
    rig = gather(facts)
    views = _figure("From above", "top", _from_above(rig)) + _figure(
        "From the front", "front", _from_front(rig)
    )
    return f'<div class="views">{views}{_legend(rig, facts.layout_positions_mm is not None)}</div>'


def _from_above(rig: Rig) -> str:
    reach = 1.16 * rig.half_mm
    axes = Axes.to_scale((-reach, reach), (-reach, reach))

    def at(place: Points) -> Place:
        return axes.at(place[0], place[1])

    content = (
        _seen([at(corner) for corner in rig.seen])
        + _card(axes)
        + _lights(rig, at, axes.unit, (0, 1), _outwards(at(np.zeros(3))))
        + _camera_from_above(at(rig.camera))
    )
    return axes.drawing("rig top", "The rig from above", ("x, mm", "y, mm"), content)


def _from_front(rig: Rig) -> str:
    reach = 1.16 * rig.half_mm
    axes = Axes.to_scale((-reach, reach), (-0.05 * rig.top_mm, 1.08 * rig.top_mm))

    def at(place: Points) -> Place:
        return axes.at(place[0], place[2])

    ends = [at(np.array([x, 0, rig.card_z])) for x in (-CARD_WIDTH_MM / 2, CARD_WIDTH_MM / 2)]
    mat = [axes.at(-reach, 0), axes.at(reach, 0)]
    cone = [at(rig.seen[0]), at(rig.camera), at(rig.seen[1])]
    beside = max(x for x, _ in (*ends, *cone) if np.isfinite(x))
    content = (
        (line(cone, "seen") if _finite(cone) else "")
        + line(mat, "mat")
        + line(ends, "card")
        + letters("card", beside + 7, ends[1][1] - 5, "start", "note")
        + _lights(rig, at, axes.unit, (0, 2), _upwards)
        + _camera_from_front(at(rig.camera), rig.camera[2])
    )
    return axes.drawing("rig front", "The rig from the front", ("x, mm", "z, mm"), content)


def _seen(corners: Sequence[Place]) -> str:
    return line([*corners, corners[0]], "seen") if _finite(corners) else ""


def _finite(places: Sequence[Place]) -> bool:
    return bool(np.isfinite(np.array(places)).all())


def _card(axes: Axes) -> str:
    left, top = axes.at(-CARD_WIDTH_MM / 2, CARD_HEIGHT_MM / 2)
    right, bottom = axes.at(CARD_WIDTH_MM / 2, -CARD_HEIGHT_MM / 2)
    return (
        f'<rect class="card" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" rx="{3 * axes.unit:.1f}"/>'
        + letters("card", (left + right) / 2, top + 14, "middle", "note")
    )


def _camera_from_above(at: Place) -> str:
    if not _finite([at]):
        return ""
    x, y = at
    rings = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>' for r in (9, 4))
    return f'<g class="camera">{rings}</g>' + letters("camera", x, y + 22, "middle", "note")


def _camera_from_front(at: Place, height_mm: float) -> str:
    if not _finite([at]):
        return ""
    x, y = at
    outline = f"M{x - 6:.1f} {y:.1f}h12l-2 -7h8v-14h-24v14h8z"
    words = f"camera at {height_mm:.0f} mm"
    return f'<path class="camera" d="{outline}"/>' + letters(words, x + 20, y - 8, "start", "note")


def _outwards(middle: Place) -> Callable[[Place, float], Place]:
    """Labels away from the middle of the drawing."""

    def put(at: Place, clear: float) -> Place:
        away = np.array(at) - np.array(middle)
        length = float(np.hypot(*away))
        x, y = np.array(at) + (clear + 9) * (away / length if length > 0 else np.array([0.0, -1.0]))
        return float(x), float(y) + 4

    return put


def _upwards(at: Place, clear: float) -> Place:
    return at[0], at[1] - clear - 5


def _lights(
    rig: Rig, at: Project, unit: float, plane: tuple[int, int], label_at: Callable[[Place, float], Place]
) -> str:
    """Nominal places, then every light with its ellipse and its axis, then the numbers."""
    shown = [k for k, place in enumerate(rig.positions) if np.isfinite(place).all()]
    places = {k: at(rig.positions[k]) for k in shown}
    radii = {k: rig.times * unit * rig.sigmas[k][list(plane)] for k in shown}
    marks = [_light(rig, k, at, places[k], radii[k]) for k in shown]
    nominal = [_nominal(at(place)) for place in rig.nominal if np.isfinite(place).all()]
    labels = []
    for group in _together(places):
        clear = max(4.0, *(float(np.nan_to_num(radii[k]).max()) for k in group))
        x, y = label_at(places[group[0]], clear)
        labels.append(letters(", ".join(map(str, group)), x, y, "middle", "number"))
    return "".join((*nominal, *marks, *labels))


def _light(rig: Rig, k: int, at: Project, place: Place, radii: Points) -> str:
    x, y = place
    tip = at(rig.positions[k] + _AXIS_MM * rig.axes[k])
    aim = line([place, tip], "aim") if _finite([tip]) else ""
    ellipse = ""
    if np.isfinite(radii).all():
        ellipse = (
            f'<ellipse class="sigma" cx="{x:.1f}" cy="{y:.1f}" rx="{radii[0]:.2f}" ry="{radii[1]:.2f}"/>'
        )
    dot = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'
    return f'<g class="light" data-light="{k}">{element("title", _said(rig, k))}{ellipse}{aim}{dot}</g>'


def _said(rig: Rig, k: int) -> str:
    where = ", ".join(f"{value:.1f}" for value in rig.positions[k]).replace("-", "−")
    return f"Light {k} at x, y, z = {where} mm"


def _nominal(at: Place) -> str:
    x, y = at
    return f'<path class="nominal" d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z"/>'


def _together(places: dict[int, Place]) -> list[list[int]]:
    """Lights that would write over each other's numbers."""
    groups: list[list[int]] = []
    for k, place in places.items():
        near = (g for g in groups if np.hypot(*(np.array(places[g[0]]) - np.array(place))) < _TOGETHER)
        group = next(near, None)
        if group is None:
            groups.append([k])
        else:
            group.append(k)
    return groups


def _figure(title: str, kind: str, drawn: str) -> str:
    return f'<figure class="view {kind}">{element("h3", title)}{drawn}</figure>'


_DOT = '<circle class="dot" cx="14" cy="8" r="2.6"/>'
_KEYS = {
    "light": f'{_DOT}<path class="aim" d="M14 8l11 5"/>',
    "sigma": f'<ellipse class="sigma" cx="14" cy="8" rx="11" ry="6"/>{_DOT}',
    "nominal": '<path class="nominal" d="M14 1l7 7l-7 7l-7 -7z"/>',
    "seen": '<path class="seen" d="M1 8h26"/>',
}


def _legend(rig: Rig, has_nominal: bool) -> str:
    known = bool(np.isfinite(rig.sigmas).all(axis=1).any())
    entries = {"light": "A light, and the direction in which it shines most."}
    if known:
        entries["sigma"] = _enlarged(rig.times)
    if has_nominal:
        entries["nominal"] = "Where the light is nominally."
    entries["seen"] = "What the camera sees of the card’s plane."
    items = "".join(f"<li>{_key(key)}{element('span', words)}</li>" for key, words in entries.items())
    missing = (
        "" if known else element("p", "The uncertainty of the lights was not measured.", class_="missing")
    )
    note = element("p", "Both views are to the same scale, in millimetres of the mat frame.", class_="muted")
    return f'<div class="legends"><ul>{items}</ul>{missing}{note}</div>'


def _key(name: str) -> str:
    return f'<svg class="rig" viewBox="0 0 28 16" aria-hidden="true">{_KEYS[name]}</svg>'


def _enlarged(times: float) -> str:
    if times == 1:
        return "Its standard uncertainty, to scale."
    return f"Its standard uncertainty, drawn {said(times)} times larger."
