"""The verdict of a calibration in words and signs: colour is never its only carrier."""

from collections import Counter
from collections.abc import Sequence
from math import floor, isfinite, log10

from ..documents.calibration import CalibrationFinding, Figure, Verdict
from ..documents.profile import RigProfile
from .text import NOT_MEASURED, element, number

MESSAGES_SHOWN = 3
"""Of findings that ask for the same; the others are folded."""

ASKED_SHOWN = 6
"""Different things to do; the others are folded."""

WORDS: dict[Verdict, str] = {
    "pass": "Pass", "usable": "Usable", "redo": "Redo", "not_assessed": "Not assessed",
}  # fmt: skip

_MEANING: dict[Verdict, str] = {
    "pass": "The rig is ready to scan.",
    "usable": "Scans will be right, but less exact than they could be.",
    "redo": "Measurements would be wrong. Repeat what is named below before scanning.",
    "not_assessed": "No figure of this profile has been judged.",
}

_SIGNS: dict[Verdict, str] = {
    "pass": '<circle cx="8" cy="8" r="6.8"/><path d="M4.9 8.3l2.2 2.2 4.1-4.8"/>',
    "usable": '<path d="M8 1.6 15 14.2H1z"/><path d="M8 6.2v3.8M8 12v.2"/>',
    "redo": '<path d="M5.3 1.4h5.4l3.9 3.9v5.4l-3.9 3.9H5.3l-3.9-3.9V5.3zM5.6 5.6l4.8 4.8m0-4.8-4.8 4.8"/>',
    "not_assessed": '<circle cx="8" cy="8" r="6.8" stroke-dasharray="2.4 1.9"/><path d="M5.4 8h5.2"/>',
}


def sign(verdict: Verdict) -> str:
    """Its sign alone: check, triangle, octagon or broken circle."""
    return f'<svg class="sign {verdict}" viewBox="0 0 16 16" aria-hidden="true">{_SIGNS[verdict]}</svg>'


def badge(verdict: Verdict, word: str | None = None) -> str:
    """Sign and word."""
    return f'<span class="badge {verdict}">{sign(verdict)}{element("span", word or WORDS[verdict])}</span>'


def headline(profile: RigProfile) -> str:
    """The verdict first: sign, word, what it means, why, and how many figures it rests on."""
    quality = profile.calibration
    meaning = _MEANING[quality.verdict]
    if not profile.measured:
        meaning = "These are nominal figures, a starting point: this rig has not been calibrated."
    reason = element("p", quality.reason, class_="reason") if quality.reason else ""
    words = (
        f"{element('h2', WORDS[quality.verdict])}{element('p', meaning)}{reason}{_tally(figures(profile))}"
    )
    return f'<div class="verdict {quality.verdict}">{sign(quality.verdict)}<div>{words}</div></div>'


def _tally(judged: Sequence[Figure]) -> str:
    counts = Counter(figure.verdict for figure in judged)
    items = [
        f"<li>{sign(verdict)}{element('span', f'{counts[verdict]} {WORDS[verdict].lower()}')}</li>"
        for verdict in WORDS
        if counts[verdict]
    ]
    return f'<ul class="tally" aria-label="Figures by verdict">{"".join(items)}</ul>' if items else ""


def figures(profile: RigProfile) -> tuple[Figure, ...]:
    """The judged figures; of profiles of schema version 1 those that were stored without a verdict."""
    quality = profile.calibration
    old = () if quality.figures else profile.quality.items()
    why = "Stored by an earlier release, which judged no figures."
    return quality.figures + tuple(
        Figure(
            name=name,
            title=name.replace("_", " ").capitalize(),
            value=value,
            verdict="not_assessed",
            reason=why,
        )
        for name, value in old
    )


def figures_table(profile: RigProfile) -> str:
    """Every figure with its uncertainty, its verdict and the reason."""
    rows = "".join(_row(figure) for figure in figures(profile))
    if not rows:
        return element("p", "No figure of merit was measured.", class_="absent muted")
    names = ("Figure", "Value", "Verdict", "Why")
    head = "".join(element("th", name, scope="col") for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(figure: Figure) -> str:
    value = with_uncertainty(figure.value, figure.sigma, figure.unit)
    cell = element("td", value, class_="figure missing" if value == NOT_MEASURED else "figure")
    return (
        f"<tr>{element('th', figure.title, scope='row')}{cell}<td>{badge(figure.verdict)}</td>"
        f"{element('td', figure.reason, class_='meaning')}</tr>"
    )


def with_uncertainty(value: float | None, sigma: float | None, unit: str = "") -> str:
    """`0.143 ± 0.021 mm`: as many decimals as two digits of the uncertainty have (JCGM 100:2008, 7.2.6).

    Without an uncertainty, three digits of the value.
    """
    if value is None or not isfinite(value):
        return NOT_MEASURED
    if sigma is None or not (isfinite(sigma) and sigma > 0):
        whole = float(value).is_integer() and abs(value) >= 10
        return number(value, 0 if whole else _decimals(value, 3), unit)
    decimals = _decimals(sigma, 2)
    return f"{number(value, decimals)}\u00a0±\u00a0{number(sigma, decimals, unit)}"


def _decimals(value: float, digits: int) -> int:
    """Decimals with which so many leading digits of a value are shown; 6 at most."""
    if value == 0:
        return 0
    return int(min(max(digits - 1 - floor(log10(abs(value))), 0), 6))


def what_to_do(profile: RigProfile) -> str:
    """The findings by what they ask for, the severe ones first; long lists are folded."""
    asked: dict[str, list[CalibrationFinding]] = {}
    for finding in sorted(profile.calibration.findings, key=lambda one: not one.severe):
        asked.setdefault(finding.next_step, []).append(finding)
    if not asked:
        return element("p", _nothing(profile), class_="absent muted")
    items = [_asked(step, because) for step, because in asked.items()]
    first, rest = items[:ASKED_SHOWN], items[ASKED_SHOWN:]
    return _list(first) + (_folded(f"{len(rest)} more to do", _list(rest)) if rest else "")


def _nothing(profile: RigProfile) -> str:
    if not profile.measured:
        return "Calibrate this rig."
    if profile.calibration.verdict in {"pass", "not_assessed"}:
        return "Nothing: the calibration found nothing that you need to know."
    return "No finding asks for anything: the reasons are in the table of figures."


def _list(items: Sequence[str]) -> str:
    return f'<ol class="todo">{"".join(items)}</ol>'


def _asked(step: str, because: Sequence[CalibrationFinding]) -> str:
    severe = because[0].severe
    word = badge("redo", "Redo") if severe else badge("usable", "Note")
    messages = [_message(finding) for finding in because]
    first, rest = messages[:MESSAGES_SHOWN], messages[MESSAGES_SHOWN:]
    more = _folded(f"{len(rest)} more for the same reason", f"<ul>{''.join(rest)}</ul>") if rest else ""
    return f"<li>{word}<div>{element('b', step)}<ul>{''.join(first)}</ul>{more}</div></li>"


def _message(finding: CalibrationFinding) -> str:
    return f"<li>{element('span', finding.message)}{_concerned(finding.lights)}</li>"


def _concerned(lights: Sequence[int]) -> str:
    if not lights:
        return ""
    name = "light" if len(lights) == 1 else "lights"
    return " " + element("small", f"{name} {', '.join(map(str, lights))}")


def _folded(summary: str, content: str) -> str:
    return f'<details class="more">{element("summary", summary)}{content}</details>'
