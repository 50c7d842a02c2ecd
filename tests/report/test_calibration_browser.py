"""The page of a calibration as Chromium shows and prints it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from station.documents.calibration import CalibrationFinding
from station.report.calibration import render_calibration
from tests.report.calibrated import make_calibration

OVERFLOWING = """() => [...document.querySelectorAll('h1, h2, h3, p, b, li, th, td, dd, span, time')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
  .map(e => e.textContent)"""
"""Elements whose words do not fit."""

OUTSIDE = """() => [...document.querySelectorAll('svg text')]
  .filter(e => { const b = e.getBoundingClientRect(); return b.left < 0 || b.right > innerWidth; })
  .map(e => e.textContent)"""
"""Letters of a drawing beyond the window's edge."""


@dataclass
class Shown:
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """Opens a page from a file, offline, in a window of its own."""
    contexts = []

    def open_(html: bytes, width: int = 1400, **options: Any) -> Shown:
        path = tmp_path / "calibration.html"
        path.write_bytes(html)
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        shown = Shown(context.new_page())
        shown.page.on("console", lambda m: shown.complaints.append(m.text))
        shown.page.on("pageerror", lambda e: shown.complaints.append(str(e)))
        shown.page.on("request", lambda r: shown.requests.append(r.url))
        shown.page.goto(path.as_uri())
        return shown

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def html() -> bytes:
    return render_calibration(make_calibration())


def test_nothing_is_requested_and_nothing_complains(html: bytes, show: Callable[..., Shown]) -> None:
    shown = show(html)
    assert shown.complaints == []
    assert [r for r in shown.requests if not r.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize(
    ("width", "scheme"), [(1400, "dark"), (800, "light"), (390, "light"), (320, "light")]
)
def test_nothing_is_cut_off_at_any_width(
    html: bytes, show: Callable[..., Shown], width: int, scheme: str
) -> None:
    page = show(html, width, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(OUTSIDE) == []


def test_all_lights_are_drawn_with_their_uncertainty(html: bytes, show: Callable[..., Shown]) -> None:
    page = show(html).page
    for view in ("top", "front"):
        assert page.locator(f"#rig svg.{view} .light").count() == 8
        ellipses = page.locator(f"#rig svg.{view} .light ellipse.sigma")
        sizes = [ellipse.bounding_box() for ellipse in ellipses.all()]
        assert len(sizes) == 8
        assert min(size["height"] for size in sizes if size) > 5, "large enough to be seen"
    assert page.locator("#maps .multiple img").count() == 16
    assert page.evaluate("() => [...document.images].every(i => i.naturalWidth > 0)")


def test_folded_findings_open_without_a_script(show: Callable[..., Shown]) -> None:
    facts = make_calibration()
    findings = tuple(
        CalibrationFinding(kind="moved", message=f"Picture {k} moved.", next_step="Hold it still.")
        for k in range(40)
    )
    quality = facts.profile.calibration.replace(findings=findings)
    page = show(render_calibration(replace(facts, profile=facts.profile.replace(calibration=quality)))).page
    last = page.get_by_text("Picture 39 moved.")
    assert not last.is_visible()
    page.get_by_text("37 more for the same reason").click()
    assert last.is_visible()


def test_it_prints_on_two_sheets_of_a4(html: bytes, show: Callable[..., Shown]) -> None:
    pdf = show(html).page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.count(b"/Type /Page\n") == 2
    assert b"/MediaBox [0 0 594" in pdf or b"/MediaBox [0 0 595" in pdf
