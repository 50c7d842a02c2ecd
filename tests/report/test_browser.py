"""The page as Chromium shows it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from station.documents.scan import Measurements
from station.report.html import render_report

PLAIN = "renderer=plain"
"""What is not about the picture itself is tried without WebGL, which a machine without a GPU draws slowly."""


@pytest.fixture(scope="module")
def page(card: Any) -> bytes:
    return render_report(card.maps, card.facts)


def difference(a: Any, b: Any) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def centre(opened: Any) -> tuple[float, float]:
    box = opened.page.locator("#card").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("renderer", ["webgl", "plain"])
def test_lit_as_each_light_it_looks_like_the_picture_under_that_light(
    card: Any, page: bytes, open_report: Any, compare: Any, renderer: str
) -> None:
    opened = open_report(page, f"only=card&renderer={renderer}", width=378, height=528)
    assert opened.page.get_attribute("html", "data-ready") == renderer
    shown = [compare.lit(opened, k, renderer) for k in range(8)]
    table = np.array(
        [[compare.correlation(s, true, card.maps.valid) for true in card.pictures] for s in shown]
    )
    print(np.round(np.diag(table), 4))
    assert np.diag(table).min() > 0.98
    assert (table.argmax(axis=1) == np.arange(8)).all(), "each resembles its own light most"


def mirrored(maps: Any) -> Any:
    """The same maps with all slopes upside down: what a mistaken axis would give."""
    return replace(maps, normals=maps.normals * np.array([1, -1, 1], np.float32))


@pytest.mark.parametrize("mistaken", [False, True])
def test_the_shape_of_the_surface_is_lit_rightly(
    bumpy_card: Any, open_report: Any, compare: Any, mistaken: bool
) -> None:
    """Print divided away, on a surface so steep that its normals decide; a mistaken axis must show."""
    maps = mirrored(bumpy_card.maps) if mistaken else bumpy_card.maps
    opened = open_report(render_report(maps, bumpy_card.facts), "only=card", width=378, height=528)
    shading = bumpy_card.pictures / np.maximum(maps.albedo, 0.02)
    pale = maps.valid & (maps.albedo.min(axis=2) > 0.3)
    albedo = np.maximum(compare.resized(maps.albedo, (378, 528)), 0.02)
    found = [compare.correlation(compare.lit(opened, k) / albedo, shading[k], pale) for k in (0, 3, 5)]
    print(np.round(found, 3))
    assert max(found) < 0.9 if mistaken else min(found) > 0.98


def test_nothing_is_requested_and_nothing_complains(page: bytes, open_report: Any) -> None:
    opened = open_report(page)
    opened.page.mouse.move(*centre(opened))
    opened.page.locator(".tile .plate").first.hover()
    assert opened.complaints == []
    assert [r for r in opened.requests if not r.startswith(("file:", "data:"))] == []


def test_the_encoded_picture_is_brighter_than_the_linear_one(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "light=2&only=card&linear=1", width=378, height=528)
    linear = opened.picture()
    opened.show("light=2&only=card")
    encoded = opened.picture()
    expected = np.where(linear > 0, 255 * (1.055 * np.maximum(linear / 255, 1e-9) ** (1 / 2.4) - 0.055), 0)
    bright = linear > 40
    assert np.abs(encoded - expected)[bright].max() < 4


def test_only_the_card_is_shown_as_large_as_the_window_allows(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "light=1&only=card", width=700, height=400)
    picture = opened.picture()
    assert picture.shape == (400, 700, 3)
    across = np.flatnonzero(picture.max(axis=2).max(axis=0) > 20)
    assert across[0] == pytest.approx(350 - 400 * 63 / 88 / 2, abs=3)
    assert across[-1] == pytest.approx(350 + 400 * 63 / 88 / 2, abs=3)


def test_dragging_moves_the_light_to_where_the_pointer_is(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "light=0")
    before = opened.picture()
    x, y = centre(opened)
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x - 200, y, steps=3)
    opened.page.mouse.up()
    opened.page.wait_for_selector("html[data-light=free]")
    after = opened.picture()
    assert difference(before, after) > 3
    assert "from 180°" in opened.page.inner_text("#light-words")
    width = after.shape[1]
    assert after[200:400, : width // 2].mean() > after[200:400, width // 2 :].mean()


def test_a_finger_moves_the_light(page: bytes, open_report: Any) -> None:
    opened = open_report(page, PLAIN, width=390, height=844, has_touch=True, is_mobile=True)
    x, y = centre(opened)
    opened.page.touchscreen.tap(x, y + 120)
    opened.page.wait_for_function(
        "() => document.getElementById('light-words').textContent.includes('from 270°')"
    )


def test_light_buttons_light_like_the_rig(page: bytes, open_report: Any) -> None:
    opened = open_report(page, PLAIN)
    for k in (5, 2):
        opened.page.click(f'#pad button[data-light="{k}"]')
        opened.page.wait_for_selector(f'html[data-light="{k}"]')
        assert opened.page.get_attribute(f'#pad button[data-light="{k}"]', "aria-pressed") == "true"
        assert f"Light {k} of the rig" in opened.page.inner_text("#light-words")


def test_the_wheel_zooms_about_the_pointer_and_fit_undoes_it(page: bytes, open_report: Any) -> None:
    opened = open_report(page)
    ruler, fitted = opened.page.inner_text("#ruler"), opened.picture()
    opened.page.mouse.move(*centre(opened))
    place = opened.page.inner_text("#values")
    opened.page.mouse.wheel(0, -900)
    opened.page.wait_for_function(
        "was => document.querySelector('#ruler span').textContent !== was", arg=ruler
    )
    zoomed = opened.picture()
    assert difference(fitted, zoomed) > 3
    opened.page.mouse.move(*(c + 0.25 for c in centre(opened)))
    assert opened.page.inner_text("#values").split("·")[0] == place.split("·")[0]
    opened.page.click("#zoom-fit")
    opened.page.wait_for_function(
        "was => document.querySelector('#ruler span').textContent === was", arg=ruler
    )
    assert difference(fitted, opened.picture()) < 0.5


def test_two_fingers_zoom(page: bytes, open_report: Any) -> None:
    opened = open_report(page, PLAIN, width=390, height=844, has_touch=True, is_mobile=True)
    ruler = opened.page.inner_text("#ruler")
    x, y = centre(opened)
    session = opened.page.context.new_cdp_session(opened.page)
    for kind, apart in (("touchStart", 40), ("touchMove", 90), ("touchMove", 170)):
        points = [{"x": x, "y": y - apart, "id": 0}, {"x": x, "y": y + apart, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    opened.page.wait_for_function(
        "was => document.querySelector('#ruler span').textContent !== was", arg=ruler
    )


def test_the_right_button_moves_the_card(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "light=4")
    x, y = centre(opened)
    before = opened.picture()
    opened.page.mouse.move(x, y)
    opened.page.mouse.down(button="right")
    opened.page.mouse.move(x + 60, y + 40)
    opened.page.mouse.up(button="right")
    assert opened.page.get_attribute("html", "data-light") == "4"
    after = opened.picture()
    assert difference(before[100:300, 300:500], after[140:340, 360:560]) < 0.5 * difference(before, after)


def test_the_loupe_shows_whole_map_pixels(page: bytes, open_report: Any) -> None:
    opened = open_report(page)
    opened.page.check("#loupe-on", force=True)
    opened.home()
    x, y = centre(opened)
    opened.page.mouse.move(x + 20, y + 30)
    opened.settle()
    box = opened.page.locator("#loupe").bounding_box()
    assert (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) == pytest.approx(
        (x + 20, y + 30), abs=1.5
    )
    scale = int(opened.page.inner_text("#loupe").split("= ")[1].split()[0])
    canvas = opened.page.locator("#card").bounding_box()
    row, column = int(y + 30 - canvas["y"]), int(x + 20 - canvas["x"])
    inside = opened.picture()[row - 40 : row + 40, column - 40 : column + 40].astype(int)
    steps = np.abs(np.diff(inside, axis=1)).sum(axis=(0, 2))
    *others, largest = sorted(float(steps[phase::scale].mean()) for phase in range(scale))
    assert scale >= 3
    assert largest > 8 * max(others), "colours change where a map pixel ends, and hardly within one"


def test_relief_gloss_and_modes_change_the_picture_and_say_so(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "light=3")
    before = opened.picture()
    opened.page.fill("#relief", "4")
    opened.page.wait_for_function(
        "() => document.getElementById('badges').textContent.includes('16 times steeper')"
    )
    assert difference(before, opened.picture()) > 1
    opened.page.fill("#relief", "0")
    opened.page.check("#gloss-on", force=True)
    opened.page.wait_for_function(
        "() => document.getElementById('badges').textContent.includes('illustration, not measured')"
    )
    pictures = [before]
    for mode in ("clay", "albedo", "normals"):
        opened.page.check(f"input[value={mode}]", force=True)
        pictures.append(opened.picture())
        assert min(difference(pictures[-1], other) for other in pictures[:-1]) > 3


def test_everything_is_reachable_by_keys(page: bytes, open_report: Any) -> None:
    opened = open_report(page, PLAIN)
    opened.page.focus("#card")
    opened.page.keyboard.press("6")
    opened.page.wait_for_selector('html[data-light="6"]')
    opened.page.keyboard.press("ArrowUp")
    opened.page.wait_for_selector("html[data-light=free]")
    ruler = opened.page.inner_text("#ruler")
    for _ in range(6):
        opened.page.keyboard.press("+")
    opened.page.wait_for_function(
        "was => document.querySelector('#ruler span').textContent !== was", arg=ruler
    )
    for key, control in (("l", "#loupe-on"), ("b", "#borders-on"), ("g", "#gloss-on")):
        opened.page.keyboard.press(key)
        assert opened.page.is_checked(control)
    opened.page.wait_for_function("() => document.querySelectorAll('#borders rect').length === 2")
    opened.page.keyboard.press("]")
    opened.page.wait_for_function(
        "() => document.getElementById('relief-words').textContent !== 'as measured'"
    )
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.id") == "zoom-in"


def test_the_lamp_keeps_turning_until_it_is_stopped(page: bytes, open_report: Any) -> None:
    opened = open_report(page, PLAIN)
    opened.page.check("#sweep-on", force=True)
    words = opened.page.inner_text("#light-words")
    opened.page.wait_for_function(
        "was => document.getElementById('light-words').textContent !== was", arg=words
    )
    opened.page.click('#pad button[data-light="1"]')
    opened.page.wait_for_selector('html[data-light="1"]')
    assert not opened.page.is_checked("#sweep-on")


def test_pointing_at_one_map_reads_all_of_them(page: bytes, open_report: Any, card: Any) -> None:
    opened = open_report(page, PLAIN)
    plate = opened.page.locator('.tile[data-key="height"] .plate')
    plate.scroll_into_view_if_needed()
    box = plate.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = opened.page.inner_text('.tile[data-key="height"] output')
    rows, columns = card.maps.valid.shape
    assert float(said.split("\u00a0")[0].replace("−", "-")) == pytest.approx(
        card.maps.height_um[rows // 2, columns // 2], abs=4
    )
    assert opened.page.inner_text('.tile[data-key="sigma"] output').endswith("°")
    assert opened.page.locator(".tile.read").count() == 8


def test_what_was_not_measured_is_dark_and_said(card: Any, open_report: Any) -> None:
    normals = card.maps.normals.copy()
    rows, columns = card.maps.valid.shape
    normals[rows // 2 - 40 : rows // 2 + 40, columns // 2 - 40 : columns // 2 + 40] = np.nan
    opened = open_report(
        render_report(replace(card.maps, normals=normals), card.facts), "light=0&only=card", 378, 528
    )
    picture = opened.picture()
    assert picture[264 - 30 : 264 + 30, 189 - 30 : 189 + 30].max() == 0
    assert picture[264 - 72 : 264 - 62, 189 - 30 : 189 + 30].min() > 20
    opened.show("light=0")
    opened.page.mouse.move(*centre(opened))
    assert opened.page.inner_text("#values").endswith("not measured")


def test_a_side_without_measurements_is_shown_without_complaint(card: Any, open_report: Any) -> None:
    maps = replace(
        card.maps, valid=np.zeros_like(card.maps.valid), normals=np.full_like(card.maps.normals, np.nan)
    )
    opened = open_report(render_report(maps, replace(card.facts, measurements=Measurements())))
    assert opened.complaints == []
    assert opened.page.is_disabled("#borders-on")
    assert "No pixel of this side could be measured" in opened.page.inner_text("#viewer")


def test_hostile_names_run_nothing(card: Any, open_report: Any) -> None:
    evil = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
    facts = replace(card.facts, scan=card.facts.scan.replace(name=evil), truth_note=evil)
    opened = open_report(render_report(card.maps, facts), PLAIN)
    assert opened.page.evaluate("window.ran") is None
    assert opened.page.inner_text("h1") == evil


def test_without_webgl_the_processor_lights_the_card_and_says_so(page: bytes, open_report: Any) -> None:
    opened = open_report(page, "renderer=plain&light=2")
    assert opened.page.is_visible("#notice")
    before = opened.picture()
    opened.page.click('#pad button[data-light="6"]')
    opened.page.wait_for_selector('html[data-light="6"]')
    assert difference(before, opened.picture()) > 2


def test_without_scripts_the_card_is_still_there(page: bytes, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(page)
    context = browser.new_context(java_script_enabled=False, offline=True)
    window = context.new_page()
    window.goto(path.as_uri())
    assert window.is_visible("#albedo")
    assert "Scripts are off" in window.inner_text("#viewer")
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (820, 1100), (390, 844), (320, 640)])
def test_no_width_makes_the_page_scroll_sideways(
    page: bytes, open_report: Any, width: int, height: int
) -> None:
    opened = open_report(page, PLAIN, width=width, height=height)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    stage = opened.page.locator("#stage").bounding_box()
    assert stage["width"] > 0.5 * width
