"""The flat field and its residual under every light, side by side, each row with one scale for all lights."""

from collections.abc import Callable, Sequence

import numpy as np

from . import colour
from .calibration_facts import CalibrationFacts, Floats
from .maps import Bools
from .text import NOT_MEASURED, element, number
from .texture import LOSSLESS, webp_uri, with_alpha
from .tiles import Look, bar, ends

Caption = Callable[[Floats, Bools], str]

_FLAT = Look("%", colour.SLOPE, top_percentile=100.0)
_RESIDUAL = Look("%", colour.DIVERGING, symmetric=True, top_percentile=99.5)
_ABSENT = "Not measured."


def multiples(facts: CalibrationFacts) -> str:
    """Two rows of small pictures as the camera sees them, as markup."""
    aspect = f"{facts.profile.camera.width_px} / {facts.profile.camera.height_px}"
    return _flat_fields(facts.flat_field, aspect) + _residuals(facts.flat_residual_percent, aspect)


def _flat_fields(flat: Floats | None, aspect: str) -> str:
    words = (
        "On a matte white target, mean of the three colours; 100 % is the brightest place under any light."
    )
    if flat is None:
        return _row("Flat field", words, "", [], aspect)
    grey = np.asarray(flat.mean(axis=3), np.float32)
    known = np.isfinite(grey)
    percent = 100 * grey / max(float(grey[known].max(initial=0.0)), 1e-9)
    return _painted("Flat field", words, percent.astype(np.float32), _FLAT, aspect, _span)


def _residuals(residual: Floats | None, aspect: str) -> str:
    words = (
        "Measured less fitted, in percent of the fitted light. Smooth swells are errors of lights or lens."
    )
    if residual is None:
        return _row("Residual of the fitted lights", words, "", [], aspect)
    return _painted("Residual of the fitted lights", words, residual, _RESIDUAL, aspect, _rms)


def _painted(title: str, words: str, values: Floats, look: Look, aspect: str, caption: Caption) -> str:
    known = np.isfinite(values)
    between = look.range_of(values, known)
    if between is None:
        return _row(title, words, "", [], aspect)
    legend = bar(colour.gradient(look.table), *ends(*between), look.unit)
    tiles = [
        _tile(title, k, _picture(one, seen, between, look), caption(one, seen))
        for k, (one, seen) in enumerate(zip(values, known, strict=True))
    ]
    return _row(title, words, legend, tiles, aspect)


def _picture(values: Floats, known: Bools, between: tuple[float, float], look: Look) -> str:
    return webp_uri(with_alpha(colour.paint(values, between, look.table), known), LOSSLESS)


def _row(title: str, words: str, legend: str, tiles: Sequence[str], aspect: str) -> str:
    head = f"<div>{element('h3', title)}{element('p', words, class_='muted')}</div>{legend}"
    shown = "".join(tiles)
    grid = f'<div class="multiples" style="--aspect:{aspect}">{shown}</div>' if tiles else _nothing()
    return f'<div class="lightmaps"><div class="over">{head}</div>{grid}</div>'


def _nothing() -> str:
    return element("p", _ABSENT, class_="missing")


def _tile(title: str, light: int, picture: str, caption: str) -> str:
    alt = f"{title} of light {light}"
    plate = f'<div class="plate"><img alt="{alt}" src="{picture}"></div>'
    words = f"{element('b', f'light {light}')} {element('span', caption)}"
    return f'<figure class="multiple">{plate}<figcaption>{words}</figcaption></figure>'


def _span(percent: Floats, known: Bools) -> str:
    if not known.any():
        return NOT_MEASURED
    low, high = float(percent[known].min()), float(percent[known].max())
    return f"{low:.0f} to {number(high, 0, '%')}"


def _rms(percent: Floats, known: Bools) -> str:
    if not known.any():
        return NOT_MEASURED
    return f"rms {number(float(np.sqrt(np.mean(np.square(percent[known], dtype=np.float64)))), 2, '%')}"
