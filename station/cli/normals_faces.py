"""The report of `station normals` as text."""

from pathlib import Path
from textwrap import fill

from ..documents.normals import InputRecord, NormalsFigures, NormalsReport

WIDTH = 100
INDENT = 11
_BLACK = {
    "none": "as no other was given",
    "given": "as given",
    "estimated": "estimated from the pictures",
}


def report_text(report: NormalsReport, out: Path) -> str:
    """What was found, and where it lies."""
    rows = [
        ("source", _source(report)),
        ("estimator", report.estimator),
        ("camera", _camera(report.figures)),
        ("normals", _normals(report.figures)),
        *_errors(report.figures),
        ("height", _height(report)),
        ("written", ", ".join(record.file for record in report.files)),
        ("report", str(out / "quality.json")),
    ]
    return "\n".join(_row(name, value) for name, value in rows)


def _row(name: str, value: str) -> str:
    return fill(
        value,
        WIDTH,
        initial_indent=f"{name:<{INDENT}}",
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _source(report: NormalsReport) -> str:
    read: InputRecord = report.input
    height, width = report.shape
    return f"{read.source}: {read.kind}, {len(read.lights)} lights, maps of {width} x {height} px"


def _camera(found: NormalsFigures) -> str:
    noise = "" if found.noise_codes is None else f", noise {found.noise_codes:.1f} codes, estimated"
    if found.black_level is None:
        return f"the ambient picture is taken off{noise}"
    return f"black level {found.black_level:.1f}, {_BLACK[found.black_from]}{noise}"


def _normals(found: NormalsFigures) -> str:
    parts = [f"{found.valid_percent:.1f} % measured", f"{found.clipped_percent:.1f} % clipped"]
    if found.dark_percent is not None:
        parts.append(f"{found.dark_percent:.1f} % dark in some light")
    if found.chi2_median is not None:
        parts.append(f"reduced chi-square {found.chi2_median:.2f}")
    if found.sigma_median_deg is not None:
        parts.append(f"uncertainty {found.sigma_median_deg:.2f}° (median)")
    return ", ".join(parts)


def _errors(found: NormalsFigures) -> list[tuple[str, str]]:
    error = found.errors
    if error is None:
        return []
    angles = f"mean {error.mean_deg:.2f}°, median {error.median_deg:.2f}°, 95 % below {error.p95_deg:.2f}°"
    return [("errors", f"{angles} ({error.pixels:,} px held against the true normals)")]


def _height(report: NormalsReport) -> str:
    found, unit = report.figures, report.unit
    pitch = f"in {unit}, a pixel is {report.pitch:.4g} {unit}"
    bend = "" if found.bow is None else f", bow {found.bow:+.4g}, twist {found.twist:+.4g}"
    return pitch + bend + ("" if found.curl_rms is None else f", curl {found.curl_rms:.3g} 1/{unit} rms")
