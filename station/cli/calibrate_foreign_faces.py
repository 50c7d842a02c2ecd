"""Reports of calibration from foreign pictures and lists as text."""

from textwrap import fill

from ..documents.calibration import CalibrationFinding
from ..documents.light_lists import ImportReport, SphereReport

WIDTH = 100
INDENT = 11


def sphere_text(report: SphereReport) -> str:
    """The lights, how well they are known, and what a person should know."""
    x, y, radius = report.outline_sigma_px
    outline = (
        f"centre x {report.centre_px[0]:.2f} ± {x:.2f}, y {report.centre_px[1]:.2f} ± {y:.2f}, "
        f"radius {report.radius_px:.2f} ± {radius:.2f} px; {report.coverage_percent:.0f} % of it show"
    )
    hint = "no mask: the sphere was looked for" if report.hint is None else f"mask {report.hint}"
    lines = [
        _row("source", f"{report.source}: {len(report.lights)} pictures, {hint}"),
        _row("outline", outline),
        "",
        _lights(report),
        "",
        _row(
            "together",
            f"all directions may be off alike by {report.shared_sigma_deg:.2f}°, which is counted in",
        ),
    ]
    names = [light.picture for light in report.lights]
    lines += _findings("finding", report.findings, names)
    if report.checked is not None and not report.differences:
        lines.append(_row("checked", f"{report.checked} agrees"))
    lines += _findings("checked", report.differences, names)
    return "\n".join([*lines, _row("written", report.written)])


def import_text(report: ImportReport) -> str:
    """What the profile holds, and what a person should know."""
    rows = [f"{'light':>5}  {'x':>8}  {'y':>8}  {'z':>8}  mm"]
    rows += [
        f"{number:>5}  {x:>8.1f}  {y:>8.1f}  {z:>8.1f}"
        for number, (x, y, z) in enumerate(report.positions_mm)
    ]
    camera = "a nominal camera" if report.like is None else f"the camera of {report.like}"
    return "\n".join(
        [
            _row("source", f"{report.source}: {len(report.positions_mm)} lights, with {camera}"),
            "",
            *rows,
            "",
            *_findings("finding", report.findings, []),
            _row("profile", f"{report.name}, not measured"),
            _row("written", report.written),
        ]
    )


def _lights(report: SphereReport) -> str:
    longest = max(len(light.picture) for light in report.lights)
    head = f"{'light':>5}  {'picture':<{longest}}  {'x':>8}  {'y':>8}  {'z':>8}  {'sigma':>6}  spot, px"
    rows = [head]
    for number, light in enumerate(report.lights):
        x, y, z = light.direction
        spot = f"{light.spot_px[0]:.2f}, {light.spot_px[1]:.2f} ± {light.spot_sigma_px:.2f}"
        cut = ", clipped" if light.clipped else ""
        rows.append(
            f"{number:>5}  {light.picture:<{longest}}  {x:>8.4f}  {y:>8.4f}  {z:>8.4f}  "
            f"{light.sigma_deg:>5.2f}°  {spot}{cut}"
        )
    return "\n".join(rows)


def _findings(title: str, findings: tuple[CalibrationFinding, ...], names: list[str]) -> list[str]:
    return [_row(title, f"{_where(one, names)}{one.message}. {one.next_step}") for one in findings]


def _where(finding: CalibrationFinding, names: list[str]) -> str:
    if not finding.lights:
        return ""
    lights = [f"{light} ({names[light]})" if light < len(names) else str(light) for light in finding.lights]
    return f"{'light' if len(lights) == 1 else 'lights'} {', '.join(lights)}: "


def _row(name: str, value: str) -> str:
    return fill(
        value,
        WIDTH,
        initial_indent=f"{name:<{INDENT}}",
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
