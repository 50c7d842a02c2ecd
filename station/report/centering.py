"""Centering, drawn on the card."""

from math import hypot

from ..documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from ..documents.scan import Centering, Measurements
from .text import element, number

Size = tuple[float, float]

_VIEW = (-52.0, -51.0, 104.0, 102.0)  # x, y, width, height in mm: the card and room for the figures around it


def share_sigma_percent(first_mm: float, second_mm: float, sigma_mm: float) -> float:
    """Standard uncertainty of `100 * first / (first + second)`.

    First-order propagation of two independent widths of the same uncertainty (JCGM 100:2008, 5.1.2).
    """
    total = first_mm + second_mm
    return 100 * sigma_mm * hypot(first_mm, second_mm) / total**2 if total > 0 else float("nan")


def ratio(share_percent: float) -> str:
    """`52.1 / 47.9`."""
    return f"{share_percent:.1f} / {100 - share_percent:.1f}"


def card_size_mm(measurements: Measurements) -> Size:
    """The measured size, or the nominal one where the outline was not found."""
    outline = measurements.outline
    return (outline.width_mm, outline.height_mm) if outline else (CARD_WIDTH_MM, CARD_HEIGHT_MM)


def frame_mm(centering: Centering, size_mm: Size) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the print frame in the card frame, y up."""
    half_width, half_height = size_mm[0] / 2, size_mm[1] / 2
    return (
        centering.left_mm - half_width, half_height - centering.top_mm,
        half_width - centering.right_mm, centering.bottom_mm - half_height,
    )  # fmt: skip


def drawing(centering: Centering, size_mm: Size, map_mm: Size, picture: str) -> str:
    """The card with its edge, its print frame and the four border widths as SVG.

    Args:
        centering: the widths.
        size_mm: width and height of the card.
        map_mm: width and height that `picture` covers, centred on the card.
        picture: data URI of the albedo.
    """
    left, top, right, bottom = frame_mm(centering, size_mm)
    view = " ".join(f"{v:g}" for v in _VIEW)
    return (
        f'<svg class="centering" viewBox="{view}" role="img" aria-label="Border widths drawn on the card">'
        f'<image href="{picture}" {_box(-map_mm[0] / 2, map_mm[1] / 2, *map_mm)} preserveAspectRatio="none"/>'
        f'<rect class="edge" {_box(-size_mm[0] / 2, size_mm[1] / 2, *size_mm)}/>'
        f'<rect class="print" {_box(left, top, right - left, top - bottom)}/>'
        f"{_widths(centering, size_mm)}</svg>"
    )


def _box(left: float, top: float, width: float, height: float) -> str:
    """A rectangle of the card frame (y up) in SVG's frame (y down)."""
    return f'x="{left:.3f}" y="{-top:.3f}" width="{width:.3f}" height="{height:.3f}"'


def _widths(centering: Centering, size_mm: Size) -> str:
    half_width, half_height = size_mm[0] / 2, size_mm[1] / 2
    out = 1.6
    return "".join((
        _arrow(-half_width, 0, -half_width + centering.left_mm, 0),
        _arrow(half_width, 0, half_width - centering.right_mm, 0),
        _arrow(0, -half_height, 0, -half_height + centering.top_mm),
        _arrow(0, half_height, 0, half_height - centering.bottom_mm),
        _label(-half_width - out, 1.0, "end", centering.left_mm),
        _label(half_width + out, 1.0, "start", centering.right_mm),
        _label(0, -half_height - out, "middle", centering.top_mm),
        _label(0, half_height + out + 2.9, "middle", centering.bottom_mm),
    ))  # fmt: skip


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="width" x1="{x1:.3f}" y1="{y1:.3f}" x2="{x2:.3f}" y2="{y2:.3f}"/>'


def _label(x: float, y: float, anchor: str, width_mm: float) -> str:
    return element("text", f"{width_mm:.2f} mm", x=f"{x:.2f}", y=f"{y:.2f}", text_anchor=anchor)


def balance(centering: Centering) -> str:
    """Both ratios with their uncertainty, each as a bar."""
    across = (centering.left_percent, centering.left_mm, centering.right_mm)
    along = (centering.top_percent, centering.top_mm, centering.bottom_mm)
    sigma_mm = centering.sigma_mm
    return _balance("Left / right", across, sigma_mm) + _balance("Top / bottom", along, sigma_mm)


def _balance(name: str, measured: tuple[float, float, float], sigma_mm: float) -> str:
    share, first, second = measured
    sigma = "± " + number(share_sigma_percent(first, second, sigma_mm), 1)
    figure = element("b", ratio(share)) + " " + element("span", sigma, class_="muted")
    return (
        f'<div class="balance">{element("span", name, class_="name")}'
        f'<span class="figure">{figure}</span>'
        f'<div class="split"><i style="width:{min(max(share, 0), 100):.2f}%"></i></div>'
        f"{element('span', f'{first:.2f} mm and {second:.2f} mm', class_='muted')}</div>"
    )
