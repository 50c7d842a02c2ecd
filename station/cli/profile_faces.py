"""Rig profiles as text for the terminal."""

from ..documents.calibration import Figure
from ..documents.profile import RigProfile
from ..documents.profile_entry import ProfileEntry


def entries_text(entries: list[ProfileEntry]) -> str:
    """One line a profile."""
    return "\n".join(_entry(one) for one in entries)


def _entry(one: ProfileEntry) -> str:
    said = one.fault or ", ".join(_words(one))
    return f"{'*' if one.in_use else ' '} {one.name:<20} {one.created[:10]:<10}  {said}".rstrip()


def _words(one: ProfileEntry) -> list[str]:
    words = ["simulated"] if one.simulated else []
    words.append("measured" if one.measured else "a starting point, not measured")
    if one.verdict != "not_assessed":
        words.append(one.verdict)
    if one.shipped:
        words.append("came with the station")
    return words


def profile_text(profile: RigProfile, sha256: str) -> str:
    """Everything a person asks of a profile but the numbers of its arrays."""
    camera, calibration = profile.camera, profile.calibration
    rows = [
        ("profile", profile.name + (" (digital twin)" if profile.simulated else "")),
        (
            "made",
            profile.created + ("" if profile.measured else ", a starting point that was never measured"),
        ),
        ("sha256", sha256),
        ("board", profile.board_id or "not known"),
        ("picture", f"{camera.width_px} x {camera.height_px} pixels of {camera.bit_depth} bits"),
        ("response", "linear" if camera.response == "linear" else f"table, gamma near {camera.gamma:.2f}"),
        (
            "mat",
            "reference pictures are kept" if profile.mat else "no reference: a moved camera goes unnoticed",
        ),
        ("note", profile.note or "none"),
        *(("light", _light(number, light.position_mm)) for number, light in enumerate(profile.lights)),
        ("verdict", _verdict(calibration.verdict, calibration.reason)),
        *(("figure", _figure(one)) for one in calibration.figures),
        *(("finding", f"{one.message} {one.next_step}") for one in calibration.findings),
    ]
    return "\n".join(f"{name:<9} {value}" for name, value in rows)


def _light(number: int, position_mm: tuple[float, float, float]) -> str:
    x, y, z = position_mm
    return f"{number} at {x:.1f}, {y:.1f}, {z:.1f} mm"


def _verdict(verdict: str, reason: str) -> str:
    return verdict.replace("_", " ") + (f": {reason}" if reason else "")


def _figure(one: Figure) -> str:
    if one.value is None:
        value = "not measured"
    else:
        sigma = "" if one.sigma is None else f" ± {one.sigma:.3g}"
        value = f"{one.value:.4g}{sigma} {one.unit}".rstrip()
    return f"{one.title}: {value}, {_verdict(one.verdict, one.reason)}"
