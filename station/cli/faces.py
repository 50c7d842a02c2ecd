"""Documents as text for the terminal.

Everything shown comes from a document; what is None is said to be not measured.
"""

from ..documents.ageing import Ageing
from ..documents.event import Status
from ..documents.scan import Centering, Quality, ScanSummary

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes in words, decimal units."""
    for unit in UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {UNITS[-1]}"


def status_text(status: Status) -> str:
    """The answer of `station status`."""
    doing = f"scanning {status.scanning} ({status.step})" if status.scanning else status.state
    rows = [
        (
            "station",
            f"{status.version}, process {status.pid}" + (", on the digital twin" if status.simulated else ""),
        ),
        ("doing", doing + (", quiescent" if status.quiescent else "")),
        ("rig", f"{status.rig.state}: {status.rig.name} {_in_brackets(status.rig.evidence)}"),
        ("camera", f"{status.camera.state}: {status.camera.name} {_in_brackets(status.camera.evidence)}"),
        ("profile", status.profile),
        *(("calibration", line) for line in _ageing(status.calibration)),
        ("to compute", str(len(status.processing))),
        ("to deliver", f"{status.undelivered}{_reason(status.delivery)}"),
        ("scans", f"{status.scans} in {status.data}"),
        ("disk", _room(status)),
    ]
    rows += _only_if_there(status)
    return "\n".join(f"{name:<11} {value.rstrip()}" for name, value in rows)


def _only_if_there(status: Status) -> list[tuple[str, str]]:
    """What is said only where there is something to say."""
    rows = []
    if status.batch is not None:
        batch = status.batch
        done = f"{batch.fronts} fronts, {batch.backs} backs"
        rows.append(
            ("batch", f"{batch.phase}: {batch.due or 'nothing'} of card {batch.number} is due; {done}")
        )
    if status.lock.name:
        why = f", {status.lock.reason}" if status.lock.reason else ""
        rows.append(("operator", f"{status.lock.name} since {status.lock.since[:19]}Z{why}"))
    if status.fault:
        rows.append(("fault", status.fault))
    if status.not_ready:
        rows.append(("not ready", f"no card is accepted: {status.not_ready}"))
    return rows


def _reason(why: str) -> str:
    return f": {why}" if why else ""


def _ageing(found: Ageing) -> list[str]:
    """One line a sign, or one that there is none."""
    if found.signs:
        return [f"{sign.state}: {sign.message} {sign.next_step}" for sign in found.signs]
    if found.state == "ok":
        return [f"holds, by the last {found.scans} scans"]
    return ["not assessed: too few scans with this profile"]


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def _room(status: Status) -> str:
    free = f"{size(status.disk_free_bytes)} free"
    if status.bytes_per_side is None or status.room_for_sides is None:
        return f"{free}; bytes per side not known before the first scan"
    per_side, sides = status.bytes_per_side, status.room_for_sides
    return (
        f"{free}; {size(2 * per_side)} a card, {size(per_side)} a side: room for {sides // 2:,} more cards, "
        f"{sides:,} sides"
    )


def scan_line(scan: ScanSummary) -> str:
    """One scan in the list of `station show`."""
    made = scan.created[:19].replace("T", " ")
    return f"{scan.id}  {made}  {scan.side:<5}  {scan.state:<11}  {scan.delivery:<9}  {scan.name}".rstrip()


def scan_text(scan: ScanSummary) -> str:
    """One scan in full."""
    rows = [
        ("scan", scan.id + (" (digital twin)" if scan.simulated else "")),
        ("card", f"{scan.card_id} {scan.side} {scan.name}"),
        ("made", scan.created),
        ("state", scan.state + (f": {scan.reason}" if scan.reason else "")),
        ("delivery", scan.delivery + (f": {scan.delivery_detail}" if scan.delivery_detail else "")),
        ("folder", f"{scan.folder} ({size(scan.bytes)})" if scan.folder else "none"),
        ("report", scan.report or "none yet"),
    ]
    said = (("withdrawn", scan.withdrawn), ("kept", "yes" if scan.kept else ""), ("removed", scan.removed))
    rows += [(name, value) for name, value in said if value]
    if scan.result is not None:
        measured = scan.result.measurements
        rows += [("warning", line) for line in measured.warnings]
        rows.append(("centering", centering_text(measured.centering)))
        rows.append(("candidates", candidates_text(measured.flaw_candidates)))
        rows += [("quality", line) for line in quality_lines(measured.quality)]
        rows += [("not assessed", f"{item.what}: {item.why}") for item in measured.not_assessed]
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in scan.stages_s.items())
    rows += [("time", times)] if times else []
    labels = ["", *(name for name, _ in rows)]
    return "\n".join(
        f"{'' if name == above else name:<13} {value.rstrip()}"
        for above, (name, value) in zip(labels, rows, strict=False)
    )


def centering_text(centering: Centering | None) -> str:
    """Centering in the words collectors use: left/right and top/bottom."""
    if centering is None:
        return "not assessed"
    left, top = centering.left_percent, centering.top_percent
    return (
        f"{left:.1f}/{100 - left:.1f} left/right, {top:.1f}/{100 - top:.1f} top/bottom "
        f"(borders {centering.left_mm:.2f} {centering.right_mm:.2f} {centering.top_mm:.2f} "
        f"{centering.bottom_mm:.2f} mm, each ±{1.96 * centering.sigma_mm:.3f} mm)"
    )


def candidates_text(count: int | None) -> str:
    """Places that may be flaws."""
    if count is None:
        return "not looked for"
    places = "1 place stands" if count == 1 else f"{count} places stand"
    return f"{places} out of the noise, not judged (candidates.json)"


_QUALITY = (
    ("sampled_dpi", "camera samples", "{:.0f} dpi"),
    ("rectified_dpi", "maps at", "{:.0f} dpi"),
    ("mtf50_cy_per_mm", "MTF50", "{:.2f} cycles/mm"),
    ("registration_px", "registration residual", "{:.3f} px"),
    ("registration_shift_px", "largest shift between frames", "{:.3f} px"),
    ("normal_sigma_deg", "normal uncertainty (median)", "{:.2f} deg"),
    ("chi2_median", "reduced chi-square (median)", "{:.2f}"),
    ("curl_rms", "curl", "{:.3g} 1/mm"),
    ("clipped_percent", "clipped", "{:.2f} %"),
    ("dark_percent", "too dark", "{:.2f} %"),
    ("bow_mm", "bow", "{:+.2f} mm"),
    ("twist_mm", "twist", "{:+.2f} mm"),
    ("gain_spread_percent", "lights against the calibration", "{:.2f} % rms"),
    ("mat_shift_um", "mat moved", "{:.0f} um"),
    ("mat_turn_deg", "mat turned", "{:+.3f} deg"),
    ("focus_percent", "sharpness against the calibration", "{:.0f} %"),
)


def quality_lines(quality: Quality) -> list[str]:
    """One line a figure."""
    lines = []
    for field, name, form in _QUALITY:
        value = getattr(quality, field)
        lines.append(f"{name}: {'not measured' if value is None else form.format(value)}")
    return lines
