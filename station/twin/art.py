"""What is printed on the two sides: it has what art has, gradients, edges, fine lines and small print."""

import numpy as np

from . import creature
from .canvas import Canvas, Rgb, display, hsv
from .chance import stream
from .design import Design
from .grid import CardGrid

SYLLABLES = (
    "ka", "ro", "mi", "thel", "dra", "vor", "lu", "zen", "pyr", "o", "ash", "quil", "tor", "bel",
    "fen", "nix", "sa", "gri",
)  # fmt: skip
WORDS = (
    "when", "this", "one", "comes", "into", "play", "search", "your", "deck", "for", "a", "river",
    "card", "and", "show", "it", "then", "flip", "two", "coins", "heads", "draw", "again", "tails",
    "rest", "until", "next", "turn", "during", "storm", "its", "wings", "carry", "old", "songs",
    "over", "the", "silent", "hills", "at", "dawn",
)  # fmt: skip

Frame = tuple[float, float, float, float]


def print_frame(design: Design) -> Frame:
    """Left, bottom, right, top of the printed picture, card frame."""
    half_width, half_height = design.body.width_mm / 2, design.body.height_mm / 2
    b = design.borders
    return (
        -half_width + b.left_mm,
        -half_height + b.bottom_mm,
        half_width - b.right_mm,
        half_height - b.top_mm,
    )


def paint(design: Design, grid: CardGrid) -> Canvas:
    """Print one side."""
    canvas = Canvas(grid)
    canvas.rgb[:] = display(design.border_colour)
    frame = print_frame(design)
    canvas.lay_ink(*frame)
    (_paint_front if design.spec.side == "front" else _paint_back)(canvas, design, frame)
    return canvas


def art_window(frame: Frame) -> Frame:
    """The picture on the front."""
    left, _, right, top = frame
    return left + 3.0, top - 43.0, right - 3.0, top - 9.5


def card_name(seed: int) -> str:
    """The card's name, the same on both sides."""
    rng = stream(seed, "name")
    return "".join(SYLLABLES[i] for i in rng.integers(0, len(SYLLABLES), 3)).capitalize()


def _paint_front(canvas: Canvas, design: Design, frame: Frame) -> None:
    left, bottom, right, top = frame
    canvas.gradient(*frame, hsv(design.hue, 0.30, 0.96), hsv(design.hue + 0.06, 0.62, 0.78))
    window = art_window(frame)
    _landscape(canvas, design, window)
    creature.draw(canvas, design.spec.seed, design.hue, (window[0] + window[2]) / 2, window[1] + 10.5)
    _trim(canvas, window, frame, design)
    rng = stream(design.spec.seed, "front text")
    canvas.write(card_name(design.spec.seed), left + 3, top - 6.8, 3.6, font="serif")
    canvas.write(f"{10 * int(rng.integers(3, 18))}", right - 8.5, top - 6.8, 3.2, font="bold", right=True)
    _symbol(canvas, right - 5.2, top - 5.2, 2.2, design.hue)
    _rules(canvas, design, (left + 3, bottom + 6.5, right - 3, window[1] - 3.0), rng)
    canvas.line(((left + 3, bottom + 5.4), (right - 3, bottom + 5.4)), hsv(design.hue, 0.5, 0.3), 0.15)
    canvas.write("first light edition", left + 3, bottom + 2.8, 1.2)
    canvas.write(f"{design.spec.seed % 128 + 1:03d}/128", right - 3, bottom + 2.8, 1.2, right=True)


def _trim(canvas: Canvas, window: Frame, frame: Frame, design: Design) -> None:
    """The fine frame around the whole print, the window's own, and the line below it."""
    accent = hsv(design.hue + 0.5, 0.35, 0.95)
    _box(canvas, (frame[0] + 0.9, frame[1] + 0.9, frame[2] - 0.9, frame[3] - 0.9), accent, 0.35)
    caption = (window[0] + 4, window[1] - 2.6, window[2] - 4, window[1])
    canvas.gradient(*caption, (240, 232, 205), (205, 190, 140))
    rng = stream(design.spec.seed, "caption")
    number, height, weight = int(rng.integers(1, 900)), rng.uniform(0.3, 2.5), rng.uniform(2, 90)
    words = f"No. {number:03d}   height {height:.1f} m   weight {weight:.1f} kg"
    middle = (window[0] + window[2] - canvas.text_width_mm(words, 1.25)) / 2
    canvas.write(words, middle, window[1] - 1.9, 1.25)
    _box(canvas, window, hsv(design.hue + 0.08, 0.55, 0.40), 0.6)


def _box(canvas: Canvas, box: Frame, colour: Rgb, width_mm: float) -> None:
    left, bottom, right, top = box
    canvas.line(((left, bottom), (right, bottom), (right, top), (left, top)), colour, width_mm, closed=True)


def _landscape(canvas: Canvas, design: Design, window: Frame) -> None:
    left, bottom, right, top = window
    rng = stream(design.spec.seed, "landscape")
    sky = design.hue + rng.uniform(0.4, 0.6)
    canvas.gradient(*window, hsv(sky, 0.75, 0.55), hsv(sky + 0.12, 0.35, 0.98))
    sun_x, sun_y, size = (
        rng.uniform(left + 8, right - 8),
        rng.uniform(top - 11, top - 7),
        rng.uniform(2.5, 4.5),
    )
    canvas.ellipse(sun_x, sun_y, size, size, (255, 240, 190))
    for layer in range(4):
        ridge_top = bottom + (top - bottom) * (0.55 - 0.13 * layer)
        places = _ridge(rng, left, right, ridge_top, 4.5 - layer)
        places += [(right, bottom), (left, bottom)]
        canvas.polygon(places, hsv(sky + 0.1 + 0.05 * layer, 0.45 + 0.1 * layer, 0.75 - 0.15 * layer))


def _ridge(
    rng: np.random.Generator, left: float, right: float, height: float, roughness: float
) -> list[tuple[float, float]]:
    """A mountain line by midpoint displacement."""
    heights = rng.uniform(-1, 1, 2) * roughness
    step = roughness
    for _ in range(6):
        middle = (heights[:-1] + heights[1:]) / 2 + rng.uniform(-1, 1, len(heights) - 1) * step
        joined = np.empty(len(heights) + len(middle))
        joined[::2], joined[1::2] = heights, middle
        heights, step = joined, step * 0.52
    return [
        (float(x), float(height + h))
        for x, h in zip(np.linspace(left, right, len(heights)), heights, strict=True)
    ]


def _symbol(canvas: Canvas, x: float, y: float, radius: float, hue: float) -> None:
    canvas.ellipse(x, y, radius, radius, hsv(hue, 0.9, 0.25))
    canvas.ellipse(x, y, radius * 0.88, radius * 0.88, hsv(hue, 0.8, 0.85))
    star = [
        (
            x + radius * (0.7 if i % 2 == 0 else 0.3) * np.sin(i * np.pi / 5),
            y + radius * (0.7 if i % 2 == 0 else 0.3) * np.cos(i * np.pi / 5),
        )
        for i in range(10)
    ]
    canvas.polygon(star, (255, 250, 235))


def _rules(canvas: Canvas, design: Design, box: Frame, rng: np.random.Generator) -> None:
    left, bottom, right, top = box
    y = top - 3.6
    for _ in range(2):
        for i in range(int(rng.integers(1, 4))):
            _symbol(canvas, left + 1.4 + 3.1 * i, y + 1.1, 1.3, design.hue + 0.1 * i)
        canvas.write(" ".join(_words(rng, 2)).title(), left + 12, y, 2.3, font="bold")
        canvas.write(f"{10 * int(rng.integers(1, 16))}", right, y, 2.5, font="bold", right=True)
        y = _paragraph(canvas, left, right, y - 3.0, rng, lines=2) - 2.6
        canvas.line(((left, y + 3.4), (right, y + 3.4)), hsv(design.hue, 0.5, 0.3), 0.12)
    while y > bottom:
        y = _paragraph(canvas, left, right, y, rng, lines=1)


def _paragraph(
    canvas: Canvas, left: float, right: float, y: float, rng: np.random.Generator, lines: int
) -> float:
    for _ in range(lines):
        line = ""
        for word in _words(rng, 20):
            if canvas.text_width_mm(f"{line} {word}", 1.45) > right - left:
                break
            line = f"{line} {word}".strip()
        canvas.write(line, left, y, 1.45)
        y -= 2.4
    return y


def _words(rng: np.random.Generator, count: int) -> list[str]:
    return [WORDS[i] for i in rng.integers(0, len(WORDS), count)]


def _paint_back(canvas: Canvas, design: Design, frame: Frame) -> None:
    left, bottom, right, top = frame
    base = 0.60
    canvas.gradient(*frame, hsv(base, 0.85, 0.62), hsv(base + 0.05, 0.9, 0.30))
    x, y = (left + right) / 2, (bottom + top) / 2
    for i in range(36):  # rays
        a, b = 2 * np.pi * i / 36, 2 * np.pi * (i + 0.5) / 36
        reach = 27.0
        canvas.polygon(
            (
                (x, y),
                (x + reach * 0.95 * np.cos(a), y + reach * 1.3 * np.sin(a)),
                (x + reach * 0.95 * np.cos(b), y + reach * 1.3 * np.sin(b)),
            ),
            hsv(base - 0.03, 0.7, 0.78),
        )
    for radius, colour in (
        (19.5, (20, 24, 60)),
        (18.8, (238, 200, 70)),
        (17.0, (150, 32, 40)),
        (16.4, (205, 48, 52)),
    ):
        canvas.ellipse(x, y, radius, radius * 1.12, colour)
    canvas.ellipse(x, y, 9.5, 10.5, (238, 200, 70))
    _symbol(canvas, x, y, 8.0, base)
    _box(canvas, (left + 1.2, bottom + 1.2, right - 1.2, top - 1.2), (238, 200, 70), 0.4)
    _box(canvas, (left + 2.2, bottom + 2.2, right - 2.2, top - 2.2), (238, 200, 70), 0.15)
    for words, at in (("FIRST LIGHT", top - 9.5), (card_name(design.spec.seed), bottom + 6.5)):
        half = canvas.text_width_mm(words, 4.2, "serif") / 2
        canvas.rectangle(x - half - 2, at - 1.6, x + half + 2, at + 5.8, (238, 214, 120))
        canvas.write(words, x - half, at, 4.2, font="serif")
