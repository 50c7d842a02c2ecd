"""The creature on the front: of one seed always the same, of another another."""

from dataclasses import dataclass
from math import cos, pi, sin

from .canvas import Canvas, Place, Rgb, hsv
from .chance import stream

OUTLINE_MM = 0.25


@dataclass(frozen=True, slots=True)
class Build:
    """Where the body's middle is, how large it is, and its colours."""

    x: float
    y: float
    size: float
    skin: Rgb
    shade: Rgb
    belly: Rgb
    dark: Rgb

    def at(self, right: float, up: float) -> Place:
        """A place in units of the creature's size."""
        return self.x + right * self.size, self.y + up * self.size


def draw(canvas: Canvas, seed: int, hue: float, x: float, y: float) -> None:
    """Draw it around a place, card frame; it is about 17 mm wide and 14 mm high."""
    rng = stream(seed, "creature")
    colours = hsv(hue, 0.75, 0.9), hsv(hue, 0.85, 0.62), hsv(hue + 0.04, 0.25, 0.98), hsv(hue, 0.8, 0.25)
    build = Build(x + float(rng.uniform(-5, 5)), y, float(rng.uniform(5.5, 7)), *colours)
    limbs, ears, tail = (int(choice) for choice in rng.integers(0, 3, 3))
    if tail:
        _tail(canvas, build, -1 if tail == 1 else 1)
    (_wings, _arms, _fins)[limbs](canvas, build)
    _body(canvas, build)
    (_pointed_ears, _round_ears, _horns)[ears](canvas, build)
    _face(canvas, build)


def _outlined(canvas: Canvas, places: tuple[Place, ...], colour: Rgb, dark: Rgb) -> None:
    canvas.polygon(places, colour)
    canvas.line(places, dark, OUTLINE_MM, closed=True)


def _oval(canvas: Canvas, b: Build, place: Place, rx: float, ry: float, colour: Rgb) -> None:
    """An ellipse with a dark rim, radii in units of the creature's size."""
    rim = OUTLINE_MM * 1.2
    canvas.ellipse(*place, rx * b.size + rim, ry * b.size + rim, b.dark)
    canvas.ellipse(*place, rx * b.size, ry * b.size, colour)


def _tail(canvas: Canvas, b: Build, side: int) -> None:
    bend = [b.at(side * (0.5 + 0.9 * t / 8), -0.9 + 0.9 * sin(t / 8 * pi / 1.6)) for t in range(9)]
    canvas.line(bend, b.dark, 0.2 * b.size + 2 * OUTLINE_MM)
    canvas.line(bend, b.shade, 0.2 * b.size)
    _oval(canvas, b, bend[-1], 0.2, 0.2, b.belly)


def _wings(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        shape = (
            b.at(s * 0.4, 0.5),
            b.at(s * 1.8, 1.25),
            b.at(s * 1.5, 0.1),
            b.at(s * 1.1, 0.35),
            b.at(s * 0.5, -0.3),
        )
        _outlined(canvas, shape, b.shade, b.dark)


def _arms(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        canvas.line(
            (b.at(s * 0.6, 0.2), b.at(s * 1.15, 0.05 + 0.35 * s)), b.dark, 0.34 * b.size + 2 * OUTLINE_MM
        )
        canvas.line((b.at(s * 0.6, 0.2), b.at(s * 1.15, 0.05 + 0.35 * s)), b.shade, 0.34 * b.size)


def _fins(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        for up in (0.35, -0.25):
            shape = b.at(s * 0.55, up + 0.3), b.at(s * 1.4, up + 0.05), b.at(s * 0.65, up - 0.25)
            _outlined(canvas, shape, b.shade, b.dark)


def _body(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        _oval(canvas, b, b.at(s * 0.45, -1.05), 0.32, 0.2, b.shade)
    _oval(canvas, b, b.at(0, -0.2), 0.77, 0.95, b.skin)
    canvas.ellipse(*b.at(0, -0.4), 0.5 * b.size, 0.65 * b.size, b.belly)
    for line in range(3):
        y = -0.15 - 0.25 * line
        canvas.line((b.at(-0.25, y), b.at(0, y - 0.05), b.at(0.25, y)), b.skin, 0.2)


def _pointed_ears(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        _outlined(canvas, (b.at(s * 0.2, 1.3), b.at(s * 0.62, 2.1), b.at(s * 0.58, 1.0)), b.shade, b.dark)


def _round_ears(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        _oval(canvas, b, b.at(s * 0.52, 1.42), 0.28, 0.28, b.shade)
        canvas.ellipse(*b.at(s * 0.52, 1.42), 0.15 * b.size, 0.15 * b.size, b.belly)


def _horns(canvas: Canvas, b: Build) -> None:
    for s in (-1, 1):
        outer = [b.at(s * (0.3 + 0.35 * sin(t)), 1.3 + 0.75 * (1 - cos(t))) for t in (0.0, 0.5, 1.0, 1.5)]
        inner = [b.at(s * (0.55 + 0.12 * sin(t)), 1.25 + 0.75 * (1 - cos(t))) for t in (1.3, 0.9, 0.4, 0.0)]
        _outlined(canvas, (*outer, *inner), (240, 228, 190), b.dark)


def _face(canvas: Canvas, b: Build) -> None:
    _oval(canvas, b, b.at(0, 0.95), 0.67, 0.55, b.skin)
    for s in (-1, 1):
        canvas.ellipse(*b.at(s * 0.27, 1.03), 0.16 * b.size, 0.2 * b.size, (250, 250, 245))
        canvas.ellipse(*b.at(s * 0.24, 1.01), 0.09 * b.size, 0.14 * b.size, (15, 15, 25))
        canvas.ellipse(*b.at(s * 0.24 - 0.03, 1.07), 0.03 * b.size, 0.04 * b.size, (255, 255, 255))
    canvas.line((b.at(-0.15, 0.67), b.at(0, 0.61), b.at(0.15, 0.67)), b.dark, OUTLINE_MM)
