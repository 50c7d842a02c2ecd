"""One self-contained page per calibration: the verdict, what it rests on, and what to do next.

The page needs no network, no other file and no script, and prints on two sheets of A4.
"""

from string import Template

from .calibration_facts import CalibrationFacts
from .calibration_tables import camera, controls, lights_table, provenance, steps_list
from .camera_drawings import lens, noise, response
from .heatmap import multiples
from .parts import part
from .rig_drawing import rig_drawing
from .text import element, moment, number
from .verdict import WORDS, figures_table, headline, what_to_do

TWIN_BANNER = "Calibrated on the digital twin, not on a real rig."


def render_calibration(facts: CalibrationFacts) -> bytes:
    """The report of one calibration as UTF-8 HTML. The same input gives the same bytes.

    Raises:
        ValueError: an array has not the shape that its name promises, or not one entry per light.
    """
    checked = facts.checked()
    page = Template(part("calibration.html")).substitute(
        _head(checked),
        style=part("style.css") + part("calibration.css"),
        figures=figures_table(checked.profile),
        todo=what_to_do(checked.profile),
        rig=rig_drawing(checked),
        lights=lights_table(checked),
        maps=multiples(checked),
        lens=lens(checked),
        noise=noise(checked),
        response=response(checked),
        steps=steps_list(checked.steps),
        provenance=provenance(checked),
        camera=camera(checked.profile),
        controls=controls(checked.profile),
    )
    return page.encode("utf-8")


def _head(facts: CalibrationFacts) -> dict[str, str]:
    profile = facts.profile
    word = WORDS[profile.calibration.verdict].lower()
    lights = "1\u00a0light" if len(profile.lights) == 1 else f"{len(profile.lights)}\u00a0lights"
    temperature = "temperature not measured"
    if profile.temperature_c is not None:
        temperature = number(profile.temperature_c, 1, "°C")
    said = (moment(profile.created), temperature, lights)
    return {
        "page_title": element("title", f"{profile.name}: calibration report, {word}"),
        "title": element("h1", profile.name),
        "when": "".join(element("span", words) for words in said),
        "banner": f'<div class="twin" role="note">{element("b", TWIN_BANNER)}</div>'
        if profile.simulated
        else "",
        "verdict": headline(profile),
        "software": element("span", facts.software or "an unknown release"),
    }
