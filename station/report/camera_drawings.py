"""What is known of the camera: the lens' residuals, its noise, its response."""

import numpy as np

from ..documents.profile import CameraProfile
from .calibration_facts import CalibrationFacts, Points
from .plot import Axes, Place, letters, line, magnification, said
from .text import element

MOST_ARROWS = 4000
"""More residuals are thinned out evenly: the drawing would be black, and the page heavy."""

_CELLS = (6, 8)
_LEAST_IN_CELL = 4  # fewer residuals say little about a mean
_SHARE, _MEAN_SHARE = (
    0.03,
    0.06,
)  # of the picture's width: drawn length of a large residual, of the largest mean
_PLOT_HEIGHT = 190.0
_CHANNELS = ("red", "green", "blue")


def lens(facts: CalibrationFacts) -> str:
    """The lens' residuals where they were seen, and where the spheres lay."""
    camera, given, balls = facts.profile.camera, facts.lens_residuals, facts.ball_places_px
    usable = np.empty((0, 4)) if given is None else given[np.isfinite(given).all(axis=1)]
    if not len(usable) and balls is None:
        return _figure("Lens", "", _not_measured())
    axes = Axes.to_scale((0.0, float(camera.width_px)), (float(camera.height_px), 0.0))
    means = _means(usable, camera)
    times = magnification(_percentile(_length(usable), 95), _SHARE * camera.width_px)
    of_means = magnification(_percentile(_length(means), 100), _MEAN_SHARE * camera.width_px)
    drawn = axes.drawing(
        "lens",
        "Residuals of the lens over the picture",
        ("column, px", "row, px"),
        _strokes(axes, usable, times) + _arrows(axes, means, of_means) + _balls(axes, balls),
    )
    words = _said_of_residuals(usable, times) + _said_of_means(means, of_means)
    if given is not None and len(usable) < len(given):
        words.append(f"{len(given) - len(usable)} residuals are not numbers and are left out.")
    if balls is not None:
        words.append("A circle with an s is where a sphere lay.")
    return _figure("Lens", drawn, element("p", " ".join(words), class_="muted"))


def _length(residuals: Points) -> Points:
    return np.hypot(residuals[:, 2], residuals[:, 3])


def _percentile(values: Points, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else 0.0


def _strokes(axes: Axes, usable: Points, times: float) -> str:
    strokes = []
    for u, v, du, dv in usable[:: _every(usable)].tolist():
        (x, y), (tip_x, tip_y) = axes.at(u, v), axes.at(u + times * du, v + times * dv)
        strokes.append(f"M{x:.1f} {y:.1f}L{tip_x:.1f} {tip_y:.1f}")
    return f'<path class="residual" d="{"".join(strokes)}"/>'


def _every(usable: Points) -> int:
    """Which of the residuals are drawn: one in so many."""
    return max(1, -(-len(usable) // MOST_ARROWS))


def _means(usable: Points, camera: CameraProfile) -> Points:
    """The mean residual of each field of the picture (N, 4): what the lens model leaves."""
    columns, rows = _CELLS
    column = np.clip(usable[:, 0] / camera.width_px * columns, 0, columns - 1).astype(int)
    row = np.clip(usable[:, 1] / camera.height_px * rows, 0, rows - 1).astype(int)
    fields = [usable[row * columns + column == index] for index in range(columns * rows)]
    means = [inside.mean(axis=0) for inside in fields if len(inside) >= _LEAST_IN_CELL]
    return np.array(means).reshape(-1, 4)


def _arrows(axes: Axes, means: Points, times: float) -> str:
    strokes = [
        _arrow(axes.at(u, v), axes.at(u + times * du, v + times * dv)) for u, v, du, dv in means.tolist()
    ]
    return f'<path class="mean" d="{"".join(strokes)}"/>'


def _arrow(tail: Place, tip: Place) -> str:
    """A line with two barbs; a very short one is its line alone."""
    along = np.array(tip) - np.array(tail)
    length = float(np.hypot(*along))
    stroke = f"M{tail[0]:.1f} {tail[1]:.1f}L{tip[0]:.1f} {tip[1]:.1f}"
    if length < 4:
        return stroke
    unit, across = along / length, np.array([-along[1], along[0]]) / length
    one, two = (np.array(tip) - 4 * unit + side * 2.4 * across for side in (1, -1))
    return stroke + f"M{one[0]:.1f} {one[1]:.1f}L{tip[0]:.1f} {tip[1]:.1f}L{two[0]:.1f} {two[1]:.1f}"


def _balls(axes: Axes, balls: Points | None) -> str:
    if balls is None:
        return ""
    places = [axes.at(*place) for place in balls[np.isfinite(balls).all(axis=1)].tolist()]
    return "".join(
        f'<circle class="ball" cx="{x:.1f}" cy="{y:.1f}" r="9"/>' + letters("s", x, y + 3.6, "middle", "ball")
        for x, y in places
    )


def _said_of_residuals(usable: Points, times: float) -> list[str]:
    if not len(usable):
        return ["Residuals of the lens were not measured."]
    rms = float(np.sqrt(np.mean(_length(usable) ** 2)))
    words = [f"{len(usable)} corners, rms {rms:.3f} px: thin lines, drawn {said(times)} times longer."]
    if _every(usable) > 1:
        words.append(f"One in {_every(usable)} is shown.")
    return words


def _said_of_means(means: Points, times: float) -> list[str]:
    if not len(means):
        return []
    largest = float(_length(means).max())
    return [f"Arrows: the mean of a field, at most {largest:.3f} px, drawn {said(times)} times longer."]


def noise(facts: CalibrationFacts) -> str:
    """Variance over level, and the line the solver weighs pixels by."""
    points = facts.noise_points
    usable = np.empty((0, 3)) if points is None else points[np.isfinite(points[:, :2]).all(axis=1)]
    a, b = facts.line
    formula = f"variance = {a:.4g} · level + {b:.3g}"
    if not len(usable):
        words = f"The profile says {formula}; the points it rests on were not stored."
        return _figure("Noise", "", element("p", words, class_="muted"))
    right, top = 1.05 * max(float(usable[:, 0].max()), 1e-6), 1.12 * max(float(usable[:, 1].max()), b, 1e-9)
    axes = Axes((0.0, right), (0.0, top), _PLOT_HEIGHT)
    fitted = line([axes.at(0, min(b, top)), axes.at(*_end(a, b, right, top))], "fitted")
    content = fitted + "".join(_point(axes, *point) for point in usable.tolist())
    drawn = axes.drawing("noise", "Variance over level", ("level, codes", "variance, codes²"), content)
    words = f"{formula}. Bars are the standard uncertainty of a point."
    return _figure("Noise", drawn, element("p", words, class_="muted"))


def _end(a: float, b: float, right: float, top: float) -> Place:
    """Where the line leaves the box."""
    return (right, a * right + b) if a * right + b <= top else ((top - b) / a, top)


def _point(axes: Axes, level: float, variance: float, sigma: float) -> str:
    x, y = axes.at(level, variance)
    dot = f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'
    if not np.isfinite(sigma):
        return dot
    ends = (max(variance - sigma, axes.up[0]), min(variance + sigma, axes.up[1]))
    return line([axes.at(level, end) for end in ends], "bar") + dot


def response(facts: CalibrationFacts) -> str:
    """The linear code of each code of the camera."""
    camera = facts.profile.camera
    if facts.response is None:
        linear = camera.response == "linear"
        words = (
            "The camera’s codes are proportional to light: no curve is needed." if linear else "Not measured."
        )
        return _figure("Response", "", element("p", words, class_="muted" if linear else "missing"))
    codes = facts.response.shape[1] - 1
    axes = Axes((0.0, float(max(codes, 1))), (0.0, camera.full_scale), _PLOT_HEIGHT)
    straight = line([axes.at(0, 0), axes.at(codes, camera.full_scale)], "straight")
    curves = "".join(
        line([axes.at(code, value) for code, value in _thinned(curve)], f"curve {name}")
        for name, curve in zip(_CHANNELS, facts.response, strict=True)
    )
    names = ("code of the camera", "linear code")
    drawn = axes.drawing(
        "response", "Linear code over code of the camera", names, straight + curves + _key(axes)
    )
    words = f"Nearest power law: gamma {camera.gamma:.2f}. The dotted line is a linear camera."
    return _figure("Response", drawn, element("p", words, class_="muted"))


def _thinned(curve: Points, most: int = 160) -> list[Place]:
    """At most so many codes of a curve, evenly; those that are not numbers left out."""
    codes = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), most)).round().astype(int))
    return [(float(code), float(curve[code])) for code in codes if np.isfinite(curve[code])]


def _key(axes: Axes) -> str:
    """Which dash is which channel, in the empty upper left corner."""
    left, top = axes.at(axes.across[0], axes.up[1])
    entries = []
    for n, name in enumerate(_CHANNELS):
        y = top + 16 + 15 * n
        entries.append(line([(left + 12, y), (left + 40, y)], f"curve {name}"))
        entries.append(letters(name, left + 47, y + 4, "start", "note"))
    return "".join(entries)


def _not_measured() -> str:
    return element("p", "Not measured.", class_="missing")


def _figure(title: str, drawn: str, words: str) -> str:
    return f'<figure class="graph">{element("h3", title)}{drawn}<figcaption>{words}</figcaption></figure>'
