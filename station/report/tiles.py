"""The maps side by side: one tile each, with its legend, its unit and what it shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from . import colour
from .maps import MM_PER_INCH, Bools, Bytes, Floats, ReportMaps, smooth
from .texture import encode_srgb, webp_uri, with_alpha

TILE_LONGEST_PX = 720
TREND_MM = 2.5
"""Standard deviation of the Gaussian that separates local relief from the card's overall shape."""

_QUALITY = 88
_GAINS = (1, 2, 5, 10, 20, 50)


_WORDS = {
    "slope": "How far the surface leans away from the card’s plane, whichever way.",
    "height": "Integrated from the normals: good over millimetres, less certain over the whole card.",
    "sigma": "Standard uncertainty of each normal: pale is certain, dark is doubtful.",
    "residual": "What the matte model leaves unexplained; about 1 where only noise is left.",
    "gloss": "Light above the matte model under the brightest light: varnish, foil, scratches.",
}


@dataclass(frozen=True)
class Look:
    """How a map of single values is drawn.

    Attributes:
        unit: of the values.
        table: colours from the lower to the upper end.
        floor: lower end; None: the 1st percentile.
        least_top: the upper end is never below this.
        top_percentile: percentile of the upper end.
        symmetric: zero lies in the middle.
    """

    unit: str
    table: colour.Table
    floor: float | None = None
    least_top: float = float("-inf")
    top_percentile: float = 99.0
    symmetric: bool = False

    def range_of(self, values: Floats, known: Bools) -> tuple[float, float] | None:
        """Lower and upper end; None if nothing is known."""
        between = colour.robust_range(values, known, 100 - self.top_percentile, self.top_percentile)
        if between is None:
            return None
        low, high = between[0] if self.floor is None else self.floor, max(between[1], self.least_top)
        if self.symmetric:
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        return (low, high) if high > low else (low, low + 1.0)


@dataclass(frozen=True)
class Readout:
    """A map whose values the page can tell under the pointer, in 254 steps from `low` to `high`."""

    key: str
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Tile:
    """One map as HTML needs it. `legend` is markup made here; everything else is plain text."""

    key: str
    title: str
    picture: str
    legend: str
    explanation: str
    values: Floats | None = None
    readout: Readout | None = None


def tiles(maps: ReportMaps) -> tuple[Tile, ...]:
    """All tiles, in the size of these maps; maps that were not computed have none."""
    return tuple(_all(maps))


def _all(maps: ReportMaps) -> Iterator[Tile]:
    yield _albedo(maps)
    yield _normals(maps)
    yield _scalar(
        maps, "slope", "Slope", tilt_deg(maps.normals), Look("°", colour.SLOPE, floor=0.0), _WORDS["slope"]
    )
    yield _scalar(maps, "height", "Height", maps.height_um, Look("µm", colour.HEIGHT), _WORDS["height"])
    yield _local_relief(maps)
    yield _scalar(
        maps, "sigma", "Confidence", maps.sigma_deg, Look("°", colour.DOUBT, floor=0.0), _WORDS["sigma"]
    )
    if maps.residual is not None:
        look = Look("× noise", colour.DOUBT, floor=0.0, least_top=3.0, top_percentile=99.8)
        yield _scalar(maps, "residual", "Residual", maps.residual, look, _WORDS["residual"])
    if maps.gloss is not None:
        look = Look("of white", colour.DOUBT, floor=0.0, least_top=0.05, top_percentile=99.8)
        yield _scalar(maps, "gloss", "Gloss", maps.gloss, look, _WORDS["gloss"])


def tilt_deg(normals: Floats) -> Floats:
    """Angle between normal and z axis (H, W)."""
    sideways = np.linalg.norm(normals[..., :2], axis=2)
    return np.asarray(np.degrees(np.arctan2(sideways, normals[..., 2])), np.float32)


def readout_picture(shown: tuple[Tile, ...], keys: tuple[str, ...], valid: Bools) -> Bytes:
    """Up to three maps as channels of one picture, for the values under the pointer; 0 is "not measured"."""
    channels = np.zeros((*valid.shape, 3), np.uint8)
    for channel, key in enumerate(keys):
        tile = next((t for t in shown if t.key == key), None)
        if tile is None or tile.values is None or tile.readout is None:
            continue
        usable = valid & np.isfinite(tile.values)
        share = (np.nan_to_num(tile.values) - tile.readout.low) / (tile.readout.high - tile.readout.low)
        channels[..., channel] = np.where(usable, 1 + np.rint(254 * np.clip(share, 0, 1)), 0)
    return channels


def _albedo(maps: ReportMaps) -> Tile:
    return Tile(
        "albedo", "Albedo", _picture(encode_srgb(maps.albedo), maps.valid),
        bar("linear-gradient(to right, #000, #fff)", "0", "1", "reflectance"),
        "The print itself: colour without light, shadow or gloss.",
    )  # fmt: skip


def _normals(maps: ReportMaps) -> Tile:
    gain = _gain(maps)
    ball, inside = colour.normal_ball()
    key = f'<img class="ball" alt="Key: colour by direction" src="{webp_uri(with_alpha(ball, inside), 95)}">'
    words = "Slopes as they are" if gain == 1 else f"Slopes drawn {gain} times steeper"
    legend = f'<div class="legend">{key}<span>{words}. Red leans right, green leans up.</span></div>'
    picture = _picture(colour.paint_normals(maps.normals, gain), maps.valid)
    return Tile("normals", "Normals", picture, legend, "The direction each point of the surface faces.")


def _gain(maps: ReportMaps) -> int:
    """How much steeper the slopes are drawn, so that the 95th percentile is about half way to the rim."""
    slopes = np.linalg.norm(maps.normals[maps.valid][:, :2], axis=1)
    usual = float(np.percentile(slopes, 95)) if slopes.size else 1.0
    return max((g for g in _GAINS if g * usual <= 0.5), default=1)


def _local_relief(maps: ReportMaps) -> Tile:
    flat = maps.height_um - _quadratic(maps.height_um, maps.valid)
    relief = flat - smooth(flat, maps.valid, TREND_MM * maps.dpi / MM_PER_INCH)
    look = Look("µm", colour.DIVERGING, symmetric=True, top_percentile=99.5)
    explanation = (
        f"Height less the card’s bow and its mean over about {2 * TREND_MM:.0f} mm: "
        "hollows are blue, what stands up is brown."
    )
    return _scalar(maps, "relief", "Local relief", relief, look, explanation)


def _quadratic(values: Floats, valid: Bools) -> Floats:
    """Least-squares surface of second order: a card’s bow and twist, which a local mean leaves at the rim."""
    rows, columns = values.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    usable = valid & np.isfinite(values)
    if np.count_nonzero(usable) < terms.shape[-1]:
        return np.zeros_like(values)
    factors, *_ = np.linalg.lstsq(terms[usable], values[usable], rcond=None)
    return np.asarray(terms @ factors, np.float32)


def _scalar(maps: ReportMaps, key: str, title: str, values: Floats, look: Look, explanation: str) -> Tile:
    known = maps.valid & np.isfinite(values)
    between = look.range_of(values, known)
    if between is None:
        nothing = np.zeros((*known.shape, 3), np.uint8)
        legend = '<div class="legend">Nothing could be measured.</div>'
        return Tile(key, title, _picture(nothing, known), legend, explanation)
    picture = _picture(colour.paint(values, between, look.table), known)
    legend = bar(colour.gradient(look.table), *ends(*between), look.unit)
    return Tile(key, title, picture, legend, explanation, values, Readout(key, *between, look.unit))


def ends(low: float, high: float) -> tuple[str, str]:
    """Both ends of a colour bar, as text.

    As many decimals as two digits of the range need; a true zero is just 0.
    """
    decimals = int(np.clip(1 - np.floor(np.log10(high - low)), 0, 4))
    bottom, top = (f"{v:.{decimals}f}".replace("-", "−") if v else "0" for v in (low, high))
    return bottom, top


def _picture(rgb: Bytes, valid: Bools) -> str:
    return webp_uri(with_alpha(rgb, valid), _QUALITY)


def bar(gradient: str, low: str, high: str, unit: str) -> str:
    """A colour bar between its ends, from plain text; `gradient` is a CSS image."""
    return (
        f'<div class="legend"><span>{escape(low)}</span><i class="bar" style="background:{gradient}"></i>'
        f'<span>{escape(high)}</span><span class="unit">{escape(unit)}</span></div>'
    )
