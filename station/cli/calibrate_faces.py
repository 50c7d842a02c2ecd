"""A calibration as text for the terminal."""

from ..documents.calibrating import CalibrationOutcome, CalibrationState, StepStatus, Take
from ..documents.calibration import CalibrationFinding, Figure

SIGNS = {"done": "+", "begun": "~", "skipped": "-", "stale": "!", "open": " "}
VERDICTS = {"pass": "pass", "usable": "usable", "redo": "REDO", "not_assessed": "not assessed"}


def state_text(state: CalibrationState) -> str:
    """All steps and how far they are."""
    twin = ", on the digital twin" if state.simulated else ""
    lines = [f"calibration {state.session}{twin}", *map(_step_line, state.steps)]
    if state.next is None:
        lines.append("all steps are done" + (f"; profile {state.profile}" if state.profile else ""))
    return "\n".join(lines)


def _step_line(step: StepStatus) -> str:
    count = f" {step.taken} of {step.places}" if step.places > 1 else ""
    optional = ", may be left out" if step.optional and step.state == "open" else ""
    title = step.title.split(",")[0]
    return f"  [{SIGNS[step.state]}] {step.name:<10} {title:<22} {step.state}{count}{optional}"


def take_text(take: Take) -> str:
    """What came of one set of pictures."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in take.figures.items())
    lines = [f"  {'taken' if take.usable else 'NOT USABLE'}{': ' + figures if figures else ''}"]
    return "\n".join([*lines, *(finding_text(one) for one in take.findings)])


def finding_text(finding: CalibrationFinding) -> str:
    """A finding with what to do."""
    return f"  {'!' if finding.severe else '·'} {finding.message}\n    {finding.next_step}"


def figure_line(figure: Figure) -> str:
    """A figure in one line."""
    unit = f" {figure.unit}" if figure.unit else ""
    sigma = f" ± {figure.sigma:.2g}" if figure.sigma is not None else ""
    value = "not measured" if figure.value is None else f"{figure.value:.4g}{sigma}{unit}"
    why = f"  {figure.reason}" if figure.reason and figure.verdict != "pass" else ""
    return f"  {figure.title:<40} {value:<24} {VERDICTS[figure.verdict]}{why}"


def outcome_text(outcome: CalibrationOutcome) -> str:
    """The verdict, its figures, and where the profile lies."""
    quality = outcome.quality
    lines = [f"verdict: {VERDICTS[quality.verdict]}. {quality.reason}", *map(figure_line, quality.figures)]
    lines += [finding_text(one) for one in quality.findings]
    lines += [f"profile: {outcome.profile}", f"report:  {outcome.report}"]
    use = (
        "in use from the next start on"
        if outcome.adopted
        else f"not in use: station profile use {outcome.name}"
    )
    return "\n".join([*lines, use])
