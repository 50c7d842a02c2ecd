"""What the report says in words and figures: quality, provenance, what was not assessed."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..documents.plan import ScanPlan
from ..documents.scan import Measurements, NotAssessed, Quality
from .centering import ratio, share_sigma_percent
from .facts import ReportFacts
from .text import NOT_MEASURED, element, moment, number

NO_REASON = "No reason was recorded."


@dataclass(frozen=True)
class _Figure:
    """A row of the quality table; `key` is the field of `Quality`."""

    key: str
    name: str
    decimals: int
    unit: str
    meaning: str


_QUALITY = (
    _Figure("sampled_dpi", "Sampling", 0, "dpi", "Camera pixels per inch of the card."),
    _Figure("rectified_dpi", "Maps", 0, "dpi", "Resolution of the stored maps, never above the sampling."),
    _Figure(
        "mtf50_cy_per_mm", "Sharpness (MTF50)", 1, "cycles/mm",
        "Detail of which half the contrast survives, from the card’s own edges.",
    ),
    _Figure(
        "registration_px", "Registration", 3, "px",
        "How far the pictures under the lights still lie apart after alignment, rms.",
    ),
    _Figure(
        "registration_shift_px", "Largest shift", 3, "px",
        "The largest movement found between pictures, before alignment.",
    ),
    _Figure(
        "normal_sigma_deg", "Normal uncertainty", 2, "°",
        "Median standard uncertainty of a surface normal, from the camera’s noise.",
    ),
    _Figure(
        "chi2_median", "Fit (χ²)", 2, "",
        "About 1 when the models of light and noise explain the pictures.",
    ),
    _Figure("curl_rms", "Curl", 4, "1/mm", "A true surface has none: it measures error in the slopes."),
    _Figure("clipped_percent", "Clipped", 2, "%", "Card pixels too bright in at least one light."),
    _Figure("dark_percent", "Too dark", 2, "%", "Card pixels too dark to measure in at least one light."),
    _Figure("bow_mm", "Bow", 2, "mm", "Height of the middle above two opposite edges; may be negative."),
    _Figure("twist_mm", "Twist", 2, "mm", "Distance of one corner from the plane of the other three."),
    _Figure(
        "gain_spread_percent", "Lights", 2, "%",
        "Brightness of the lights against each other since the calibration, rms; it is made good.",
    ),
    _Figure("mat_shift_um", "Mat moved", 0, "µm", "Shift of the mat in the picture since the calibration."),
    _Figure("mat_turn_deg", "Mat turned", 3, "°", "Turn of the mat in the picture since the calibration."),
    _Figure("focus_percent", "Focus", 0, "%", "Contrast of fine detail against the calibration’s."),
)  # fmt: skip


def quality_rows(quality: Quality, pictured_dpi: float) -> str:
    """One row per figure: name, value, what it means."""
    rows = [_row(f.name, number(getattr(quality, f.key), f.decimals, f.unit), f.meaning) for f in _QUALITY]
    meaning = "Resolution of the pictures embedded here; the stored maps keep theirs."
    shown = _row("This page", number(pictured_dpi, 0, "dpi"), meaning)
    return "".join((*rows[:2], shown, *rows[2:]))


def _row(name: str, value: str, meaning: str) -> str:
    cell = element("td", value, class_="figure missing" if value == NOT_MEASURED else "figure")
    return f"<tr>{element('th', name, scope='row')}{cell}{element('td', meaning, class_='meaning')}</tr>"


def key_figures(measurements: Measurements) -> str:
    """The strip at the top: what a reader looks for first."""
    outline, centering, quality = measurements.outline, measurements.centering, measurements.quality
    size = f"{outline.width_mm:.2f} × {outline.height_mm:.2f} mm" if outline else None
    across = along = None
    if centering:
        across = _ratio(centering.left_percent, centering.left_mm, centering.right_mm, centering.sigma_mm)
        along = _ratio(centering.top_percent, centering.top_mm, centering.bottom_mm, centering.sigma_mm)
    return "".join((
        _key("Size", size, "not assessed"),
        _key("Left / right", across, "not assessed"),
        _key("Top / bottom", along, "not assessed"),
        _key("Bow", number(quality.bow_mm, 2, "mm"), NOT_MEASURED),
        _key("Normals", _within(quality.normal_sigma_deg), NOT_MEASURED),
    ))  # fmt: skip


def _ratio(share: float, first: float, second: float, sigma_mm: float) -> str:
    return f"{ratio(share)} ± {share_sigma_percent(first, second, sigma_mm):.1f}"


def _within(sigma_deg: float | None) -> str:
    return NOT_MEASURED if sigma_deg is None else f"± {sigma_deg:.2f}°"


def _key(name: str, value: str | None, otherwise: str) -> str:
    missing = value is None or value == NOT_MEASURED
    shown = element("dd", value or otherwise, class_="missing" if missing else "present")
    return f"<div>{element('dt', name)}{shown}</div>"


def warning(sentence: str) -> str:
    """Something that a reader must know before any figure."""
    return f'<div class="warning" role="note">{element("b", sentence)}</div>'


def not_assessed(measurements: Measurements) -> str:
    """The list of what was not looked at, and why."""
    gaps = list(measurements.not_assessed)
    if measurements.centering is None and _centering_gap(measurements) is None:
        gaps.append(NotAssessed(what="Centering", why=NO_REASON))
    items = [f"<li>{element('b', gap.what)}{element('span', gap.why)}</li>" for gap in gaps]
    if not items:
        return element("p", "Everything this station measures was measured on this side.", class_="muted")
    return f'<ul class="gaps">{"".join(items)}</ul>'


def why_no_centering(measurements: Measurements) -> str:
    """The reason that was recorded, or that there is none."""
    gap = _centering_gap(measurements)
    return gap.why if gap else NO_REASON


def _centering_gap(measurements: Measurements) -> NotAssessed | None:
    return next(
        (gap for gap in measurements.not_assessed if gap.what.casefold().startswith("centering")), None
    )


def provenance(facts: ReportFacts) -> str:
    """Who made it, with what, and when: enough to make it again."""
    scan, made = facts.scan, facts.scan.provenance
    entries = {
        "Card": scan.card_id, "Scan": scan.id, "Side": scan.side,
        "Result": str(facts.number) if facts.number else "not stored as a result",
        "Taken": moment(scan.created),
        "Computed": moment(facts.computed),
        "Software": _both(made.software, facts.software),
        "Firmware": made.firmware, "Board": made.board, "Camera": made.camera, "Machine": made.machine,
        "Profile": _both(made.profile, facts.profile),
        "Profile hash": _both(made.profile_sha256, facts.profile_sha256),
        "Plan": _plan(scan.plan),
        "Frames": f"{len(scan.frames)} stored",
    }  # fmt: skip
    return "".join(entry(name, value or "not recorded") for name, value in entries.items())


def entry(name: str, value: str) -> str:
    """One term and its description, for a `dl`."""
    return f"<div>{element('dt', name)}{element('dd', value)}</div>"


def _plan(plan: ScanPlan) -> str:
    lights = ", ".join(map(str, plan.lights))
    exposure = f"{plan.exposure_us / 1000:g} ms · gain {plan.gain:g}"
    kept = f" · {plan.exposure_why}" if plan.exposure_why else ""
    return f"lights {lights} · {exposure} · maps at {plan.rectified_dpi} dpi{kept}"


def _both(of_scan: str, of_result: str) -> str:
    """What took the pictures and, where it differs, what computed the maps."""
    return of_scan if of_result in {"", of_scan} else f"{of_scan} (pictures), {of_result} (maps)"


def stages(taking: Mapping[str, float], computing: Mapping[str, float]) -> str:
    """Seconds per stage, as bars of one common scale."""
    both = {**taking, **{name: seconds for name, seconds in computing.items() if name not in taking}}
    if not both:
        return element("p", "No times were recorded.", class_="muted")
    longest = max(*both.values(), 1e-9)
    items = "".join(_stage(name, seconds, seconds / longest) for name, seconds in both.items())
    return f'<ol class="stages">{items}</ol>'


def _stage(name: str, seconds: float, share: float) -> str:
    bar = f'<i style="width:{100 * min(max(share, 0.0), 1.0):.1f}%"></i>'
    figure = element("b", number(seconds, 2, "s"))
    return f'<li>{element("span", name)}<span class="track">{bar}</span>{figure}</li>'
