"""The page of a calibration as text: true to its documents, complete, self-contained and safe."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from station.documents.calibration import CalibrationFinding, CalibrationQuality, Figure, Verdict
from station.report.calibration import TWIN_BANNER, render_calibration
from station.report.calibration_facts import CalibrationFacts
from station.report.verdict import WORDS, with_uncertainty
from tests.report.calibrated import make_calibration, two_rings
from tests.report.elements import Elements

Decode = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def facts() -> CalibrationFacts:
    return make_calibration()


@pytest.fixture(scope="module")
def elements(facts: CalibrationFacts) -> Elements:
    return Elements(render_calibration(facts))


def judged(facts: CalibrationFacts, **changes: Any) -> CalibrationFacts:
    """The same calibration, judged otherwise."""
    profile = facts.profile
    return replace(facts, profile=profile.replace(calibration=profile.calibration.replace(**changes)))


def section(page: bytes, name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', page.decode(), re.DOTALL)
    assert found
    return found[0]


def test_nothing_comes_from_outside_and_nothing_runs(facts: CalibrationFacts, elements: Elements) -> None:
    addresses = [
        value for _, attributes in elements.found
        for name, value in attributes.items() if name in {"src", "href", "srcset", "action", "data", "poster"}
    ]  # fmt: skip
    assert len(addresses) == 16
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(rb"@import|url\(|<script", render_calibration(facts))
    policy = next(a["content"] for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_same_input_gives_the_same_bytes(facts: CalibrationFacts) -> None:
    assert render_calibration(facts) == render_calibration(make_calibration())


@pytest.mark.parametrize("verdict", ["pass", "usable", "redo", "not_assessed"])
def test_the_verdict_comes_first_in_words_with_its_reason(facts: CalibrationFacts, verdict: Verdict) -> None:
    words = Elements(render_calibration(judged(facts, verdict=verdict, reason="Because it is so."))).words
    head, _, rest = words.partition("What to do next")
    assert WORDS[verdict] in head
    assert "Because it is so." in head
    assert "Figures" in rest


def test_figures_and_provenance_are_those_of_the_documents(
    facts: CalibrationFacts, elements: Elements
) -> None:
    expected = (
        "0.0840 ± 0.0090°", "0.02505 ± 0.00041 codes", "1.31 %", "138.70 ± 0.21", "−141.17 ± 0.27",
        "125.05 ± 0.18 %", "22 November 2026, 14:03 UTC", "21.4 °C", "5.1 cycles/mm", "1.2 % overshoot",
        "42.31 µm per px", "50 Hz", "exposure time absolute 150", "scan-station 0.2.0", TWIN_BANNER,
        facts.profile_sha256, facts.session, "1508 corners", "rms 0.99 %", "variance = 0.02505", "gamma 2.00",
        "40 of 40 reflections were found.",
    )  # fmt: skip
    assert [one for one in expected if one not in elements.words] == []


def test_every_verdict_is_a_word_and_a_sign_and_not_only_a_colour(facts: CalibrationFacts) -> None:
    rows = re.findall(r"<tr>.*?</tr>", section(render_calibration(facts), "figures"))[1:]
    assert len(rows) == len(facts.profile.calibration.figures)
    for row, figure in zip(rows, facts.profile.calibration.figures, strict=True):
        assert f"<span>{WORDS[figure.verdict]}</span>" in row
        assert f'<svg class="sign {figure.verdict}"' in row


@pytest.mark.parametrize(
    ("value", "sigma", "unit", "said"),
    [
        (0.14321, 0.0213, "mm", "0.143 ± 0.021 mm"),
        (12345.6, 1234.0, "px", "12346 ± 1234 px"),
        (-1.5, 0.25, "°", "−1.50 ± 0.25°"),
        (0.1234, None, "px", "0.123 px"),
        (16.0, None, "", "16"),
        (0.0, None, "%", "0 %"),
        (0.5, float("nan"), "%", "0.500 %"),
        (None, 0.1, "mm", "not measured"),
        (float("inf"), None, "mm", "not measured"),
    ],
)
def test_a_value_has_as_many_digits_as_its_uncertainty(
    value: float | None, sigma: float | None, unit: str, said: str
) -> None:
    assert with_uncertainty(value, sigma, unit).replace("\u00a0", " ") == said


def test_hostile_words_are_only_text(facts: CalibrationFacts, elements: Elements) -> None:
    evil = '</style><script>alert(1)</script><img src=x onerror="alert(2)">&$title'
    finding = CalibrationFinding(kind="moved", message=evil, next_step=evil)
    figure = Figure(name=evil, title=evil, value=1.0, unit=evil, verdict="redo", reason=evil)
    quality = CalibrationQuality(verdict="redo", reason=evil, figures=(figure,), findings=(finding,))
    profile = facts.profile.replace(
        name=evil, note=evil, board_id=evil, created=evil, controls={evil: 1}, calibration=quality
    )
    wild = replace(
        facts,
        profile=profile,
        software=evil,
        session=evil,
        profile_sha256=evil,
        steps=((evil, evil, evil, evil),),
    )
    found = Elements(render_calibration(wild))
    assert not any("onerror" in attributes for _, attributes in found.found)
    assert not any(tag == "script" for tag, _ in found.found)
    assert [tag for tag, _ in found.found].count("img") == [tag for tag, _ in elements.found].count("img")
    assert found.text.count(evil) >= 14


def test_what_is_missing_is_said_and_nothing_is_made_up(facts: CalibrationFacts) -> None:
    bare = CalibrationFacts(
        facts.profile.replace(
            calibration=CalibrationQuality(), controls={}, measured=False, temperature_c=None, quality={}
        )
    )
    page = render_calibration(bare)
    elements = Elements(page)
    for name in ("maps", "camera"):
        assert "Not measured." in section(page, name)
    for said in (
        "this rig has not been calibrated", "Calibrate this rig.", "No figure of merit was measured.",
        "The uncertainty of the lights was not measured.", "temperature not measured",
        "The steps were not recorded.",        "Session not recorded", "They were not recorded.",
    ):  # fmt: skip
        assert said in elements.words
    assert not any(tag == "ellipse" for tag, _ in elements.found)
    assert "±" not in section(page, "lights")
    assert "nominally" not in elements.words


@pytest.mark.parametrize(
    "name",
    [
        "layout_positions_mm", "flat_field", "flat_residual_percent", "lens_residuals", "ball_places_px",
        "response", "noise_points",
    ],
)  # fmt: skip
def test_each_array_may_be_missing_or_full_of_what_is_no_number(facts: CalibrationFacts, name: str) -> None:
    array = getattr(facts, name)
    for other in (None, np.full_like(array, np.nan), array[:0] if name not in LIGHTS else None):
        page = render_calibration(replace(facts, **{name: other}))
        assert "nan" not in re.findall(r"\w+", Elements(page).words)
        assert not re.search(rb'[" ,]nan[" ,]', page), "nor in a drawing"


LIGHTS = {"layout_positions_mm", "flat_field", "flat_residual_percent", "response"}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("layout_positions_mm", (7, 3)),
        ("flat_field", (8, 4, 4)),
        ("flat_residual_percent", (9, 4, 4)),
        ("lens_residuals", (5, 3)),
        ("ball_places_px", (2,)),
        ("response", (1, 256)),
        ("noise_points", (4, 2)),
    ],
)
def test_arrays_of_another_shape_are_refused(
    facts: CalibrationFacts, name: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=name):
        render_calibration(replace(facts, **{name: np.zeros(shape)}))


def test_hundreds_of_findings_are_sorted_by_what_to_do_and_folded(facts: CalibrationFacts) -> None:
    findings = tuple(
        CalibrationFinding(
            kind="moved", lights=(k % 8,), message=f"Picture {k} moved.", severe=k % 50 == 49,
            next_step="Hold it still." if k < 200 else f"Look at place {k}.",
        )
        for k in range(300)
    )  # fmt: skip
    todo = section(render_calibration(judged(facts, findings=findings)), "todo")
    assert all(f"Picture {k} moved." in todo for k in range(300))
    unfolded = re.sub(r"<details.*</details>", "", todo, flags=re.DOTALL)
    assert len(re.findall(r"Picture \d+ moved", unfolded)) < 10
    assert todo.index("Picture 49 moved.") < todo.index("Picture 0 moved."), "the severe ones come first"
    assert "197 more for the same reason" in todo
    assert "95 more to do" in todo


def test_without_findings_it_says_so(facts: CalibrationFacts) -> None:
    passed = render_calibration(judged(facts, verdict="pass", findings=()))
    failed = render_calibration(judged(facts, verdict="redo", findings=()))
    assert "found nothing that you need to know" in section(passed, "todo")
    assert "the reasons are in the table of figures" in section(failed, "todo")


def drawn(page: bytes, view: str) -> tuple[np.ndarray, np.ndarray]:
    """Places (8, 2) and semi-axes (8, 2) of the lights in a view, in units of the drawing."""
    found = re.search(rf'<svg class="drawing rig {view}".*?</svg>', page.decode(), re.DOTALL)
    assert found
    lights = re.findall(r'<g class="light".*?</g>', found[0])
    names = ("cx", "cy", "rx", "ry")
    numbers = [[float(re.search(rf'{n}="(.*?)"', light)[1]) for n in names] for light in lights]  # type: ignore[index]
    return np.array(numbers)[:, :2], np.array(numbers)[:, 2:]


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_rig_may_have_any_number_of_lights(facts: CalibrationFacts, count: int) -> None:
    lights = (facts.profile.lights * 2)[:count]
    other = CalibrationFacts(
        facts.profile.replace(lights=lights), flat_residual_percent=np.ones((count, 5, 4), "f4")
    )
    page = render_calibration(other)
    assert page.count(b'class="light"') == 2 * count
    assert page.count(b'class="multiple"') == count


def test_a_place_that_is_no_number_is_not_drawn(facts: CalibrationFacts) -> None:
    lost = facts.profile.lights[2].replace(position_mm=(float("nan"), 0.0, float("inf")))
    lights = (*facts.profile.lights[:2], lost, *facts.profile.lights[3:])
    page = render_calibration(replace(facts, profile=facts.profile.replace(lights=lights)))
    assert page.count(b'class="light"') == 14
    assert "not measured" in section(page, "lights")
    assert not re.search(rb"[\" ,](nan|inf)[\" ,]", page)


@pytest.mark.parametrize("rings", [1, 2])
def test_the_rig_is_drawn_to_scale_with_its_uncertainty(facts: CalibrationFacts, rings: int) -> None:
    if rings == 2:
        lights = tuple(
            light.replace(position_mm=tuple(place.tolist()))
            for light, place in zip(facts.profile.lights, two_rings(), strict=True)
        )
        facts = replace(facts, profile=facts.profile.replace(lights=lights))
    page = render_calibration(facts)
    true = np.array([light.position_mm for light in facts.profile.lights])
    sigma = np.array([fit.position_sigma_mm for fit in facts.profile.calibration.lights])
    times = int(re.search(r"drawn (\d+) times larger", page.decode())[1])  # type: ignore[index]
    units = []
    for view, plane in (("top", [0, 1]), ("front", [0, 2])):
        places, radii = drawn(page, view)
        steps, seen = np.diff(true[:, plane], axis=0), np.diff(places, axis=0)
        unit = float(np.abs(seen).sum() / np.abs(steps).sum())
        assert np.allclose(seen, unit * steps * [1, -1], atol=0.15), "x to the right, the other axis up"
        assert np.allclose(radii, times * unit * sigma[:, plane], atol=0.02)
        units.append(unit)
    assert units[0] == pytest.approx(units[1], rel=0.01), "both views are to the same scale"


def test_every_light_is_numbered_in_both_views(facts: CalibrationFacts) -> None:
    rig = section(render_calibration(facts), "rig")
    for view in ("top", "front"):
        part = rig[rig.index(f"drawing rig {view}") :]
        numbers = re.findall(r'class="number">(.*?)<', part[: part.index("</svg>")])
        assert sorted(int(n) for label in numbers for n in label.split(", ")) == list(range(8))


def test_all_lights_share_one_colour_scale(facts: CalibrationFacts, decode_uri: Decode) -> None:
    residual = np.zeros((8, 12, 10), np.float32) + np.arange(-4, 4, dtype=np.float32)[:, None, None]
    page = render_calibration(replace(facts, flat_residual_percent=residual))
    uris = re.findall(r'alt="Residual of the fitted lights of light \d" src="(.*?)"', page.decode())
    colours = [decode_uri(uri)[6, 5].astype(int) for uri in uris]
    assert all(tuple(a) != tuple(b) for a, b in pairwise(colours)), "each light has another value and colour"
    low, high = colours[0], colours[7]
    assert low[2] > low[0], "below is blue"
    assert high[0] > high[2], "above is brown"
    assert "−4.0" in section(page, "maps")


def test_arrows_are_as_long_as_the_page_says(facts: CalibrationFacts) -> None:
    one = np.array([[400.0, 800.0, 0.05, -0.1]])
    camera = section(render_calibration(replace(facts, lens_residuals=one)), "camera")
    times = float(re.search(r"thin lines, drawn (\d+) times longer", camera)[1])  # type: ignore[index]
    x1, y1, x2, y2 = map(float, re.findall(r'class="residual" d="M(\S+) (\S+)L(\S+) (\S+)"', camera)[0])
    unit = (x2 - x1) / (times * 0.05)
    assert (y2 - y1) / (times * -0.1) == pytest.approx(unit, rel=0.05), "rows grow downwards in both"
    corners = re.findall(r'x="(\S+)" y="\S+" text-anchor="middle">(\d+)<', camera)
    scale = {int(words): float(x) for x, words in corners[:4]}
    assert (scale[1000] - scale[500]) / 500 == pytest.approx(unit, rel=0.05)


def test_what_is_no_number_is_counted(facts: CalibrationFacts) -> None:
    residuals = facts.lens_residuals.copy()  # type: ignore[union-attr]
    residuals[:12, 2] = np.nan
    words = Elements(render_calibration(replace(facts, lens_residuals=residuals))).words
    assert "12 residuals are not numbers and are left out." in words


def test_figures_of_an_older_profile_are_shown_without_a_verdict(facts: CalibrationFacts) -> None:
    old = facts.profile.replace(quality={"flat_field_frames": 16.0}, calibration=CalibrationQuality())
    table = section(render_calibration(replace(facts, profile=old)), "figures")
    assert "Flat field frames" in table
    assert "Not assessed" in table


def test_a_real_rig_is_not_called_a_twin(facts: CalibrationFacts) -> None:
    real = facts.profile.replace(simulated=False, board_id="board-7f21")
    assert "twin" not in Elements(render_calibration(replace(facts, profile=real))).words
