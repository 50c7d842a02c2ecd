"""The rig's documents as text for the terminal."""

from datetime import datetime

from ..documents.rig import LightVerdict, RigReport, RigTraffic, SelftestReport

_SIGNS = {"command": "->", "reply": "<-", "event": "**"}


def report_text(report: RigReport) -> str:
    """The answer of `station rig info`: every figure is the board's own, or measured on the line to it."""
    rows = [
        ("board", f"{report.board} at {report.port}" + (" (simulated)" if report.simulated else "")),
        ("firmware", report.firmware),
        ("protocol", f"{report.protocol}, schema {report.schema_hash}"),
        ("last reset", f"{report.reset_cause} (boot {report.boot_nonce:04x})"),
        ("state", _state(report)),
        ("fault", report.fault or "none latched"),
        ("heat", f"{report.heat_ms} ms of {report.heat_max_ms} ms, the hottest light"),
        ("limits", _limits(report)),
        ("programmes", _programmes(report)),
        ("clock", _clock(report)),
        ("board counts", _counters(report.board_counters)),
        ("host counts", _counters({**report.host_counters})),
        ("errors", f"{report.errors_total} since the board started"),
    ]
    for one in report.errors:
        step = "" if one.step is None else f" in step {one.step}"
        rows.append(("", f"tick {one.ticks}{step}: {one.fault}"))
    return "\n".join(f"{name:<13} {value}" for name, value in rows)


def _state(report: RigReport) -> str:
    burning = f"lights {_numbers(report.burning)} burn" if report.burning else "no light burns"
    held = f", buttons {_numbers(report.buttons_held)} held" if report.buttons_held else ""
    return f"{report.state}, {burning}, {'a card' if report.card_present else 'no card'} on the sensor{held}"


def _numbers(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))


def _limits(report: RigReport) -> str:
    return (
        f"{report.light_count} lights, {report.lights_at_once} at once, each on for at most "
        f"{report.max_on_ms} ms; {report.button_count} buttons; host lease {report.lease_ms} ms"
    )


def _programmes(report: RigReport) -> str:
    return (
        f"up to {report.steps_max} steps, exposures from {report.exposure_min_us} us, "
        f"gaps {report.gap_min_us} us to {report.gap_max_us / 1e6:g} s"
    )


def _clock(report: RigReport) -> str:
    known = f"compared to within {report.clock_uncertainty_us:.0f} us"
    if report.clock_rate_hz is None:
        return f"{report.ticks_hz} Hz nominal, rate not measured yet; {known}"
    off_ppm = (report.clock_rate_hz / report.ticks_hz - 1) * 1e6
    return f"{report.clock_rate_hz:.0f} Hz ({off_ppm:+.0f} ppm, known to 1000 ppm or better); {known}"


def _counters(counters: dict[str, int | None]) -> str:
    pairs = (f"{name.replace('_', ' ')} {'not measured' if n is None else n}" for name, n in counters.items())
    return ", ".join(pairs)


def traffic_line(entry: RigTraffic) -> str:
    """One message with its time of day."""
    when = datetime.fromtimestamp(entry.time_s).astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{when} {_SIGNS[entry.kind]} {entry.name:<14} {entry.text}".rstrip()


def selftest_text(report: SelftestReport) -> str:
    """Each light, and what is to be done."""
    lines = [f"light {one.light}  {_verdict(one)}" for one in report.lights]
    lines.append(f"ambient  {_percent(report.ambient_percent)} of a light's brightness")
    lines.append(f"picture  {_percent(report.target_percent)} of the calibration target's brightness")
    for finding in report.findings:
        lines += [f"- {finding.message}", f"    what to do: {finding.next_step}"]
    if report.passed:
        lines.append(f"passed: every light burns where profile {report.profile} says")
    if report.simulated:
        lines.append("(on the digital twin)")
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "unknown, in shares" if value is None else f"{value:.1f} %"


def _verdict(one: LightVerdict) -> str:
    words = one.state.replace("_", " ")
    if one.percent is not None:
        words += f", {one.percent:.0f} % of the brightness expected"
    if one.looks_like is not None and one.looks_like != one.light:
        words += f", burns at the place of light {one.looks_like}"
    return words
