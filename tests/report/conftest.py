"""A synthetic card with its true pictures, a browser, and the comparison of both."""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from station.documents.plan import ScanPlan
from station.documents.scan import (
    Centering,
    Measurements,
    NotAssessed,
    Outline,
    Provenance,
    Quality,
    ScanManifest,
)
from station.report.facts import CardLights, ReportFacts
from station.report.maps import ReportMaps

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
WIDTH_MM, HEIGHT_MM = 63.0, 88.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticCard:
    """Maps and the pictures that light k truly makes of them: (K, H, W, 3), linear, any unit."""

    maps: ReportMaps
    facts: ReportFacts
    pictures: Floats


def make_card(dpi: float, bump_mm: float = 0.0, noise_deg: float = 0.15) -> SyntheticCard:
    """A card with print, paper relief, a dent, a scratch and a bow, under eight unequal near lights.

    `bump_mm` adds waves of about a centimetre, far steeper than any card: they make the normals matter.
    """
    rng = np.random.default_rng(7)
    x, y = card_grid(dpi)
    height_mm = _surface(x, y, rng) + bump_mm * np.sin(2 * np.pi * x / 9) * np.sin(2 * np.pi * y / 11)
    normals = _normals(height_mm, 25.4 / dpi)
    albedo = _print(x, y)
    valid = _rounded(x, y, 3.0)
    lights = make_lights()
    pictures = np.stack([render(albedo, normals, x, y, lights, k) for k in range(8)])
    seen = normals + np.dstack(
        [rng.normal(0, np.radians(noise_deg), x.shape) for _ in range(2)] + [np.zeros_like(x)]
    )
    seen /= np.linalg.norm(seen, axis=2, keepdims=True)
    sigma = np.full(x.shape, noise_deg) / np.sqrt(np.clip(albedo.mean(axis=2), 0.05, 1))
    shown = np.stack([_photograph(picture, valid) for picture in pictures])
    maps = ReportMaps(
        normals=seen.astype(np.float32), albedo=albedo.astype(np.float32),
        height_um=(1000 * height_mm).astype(np.float32),
        sigma_deg=sigma.astype(np.float32), valid=valid, dpi=dpi, light_frames=tuple(shown),
        residual=(1 + 0.2 * np.abs(rng.normal(size=x.shape)) + 2 * _scratch(x, y)).astype(np.float32),
        gloss=(0.02 + 0.3 * _scratch(x, y)).astype(np.float32),
    )  # fmt: skip
    return SyntheticCard(maps, make_facts(lights), pictures)


def card_grid(dpi: float) -> tuple[Floats, Floats]:
    """Places of the pixel centres in mm, x right and y up."""
    pixel = 25.4 / dpi
    columns, rows = round(WIDTH_MM / pixel), round(HEIGHT_MM / pixel)
    return np.meshgrid(
        (np.arange(columns) + 0.5) * pixel - WIDTH_MM / 2, HEIGHT_MM / 2 - (np.arange(rows) + 0.5) * pixel
    )


def _scratch(x: Floats, y: Floats) -> Floats:
    along = np.clip((x + 14) / 30, 0, 1)
    distance = np.hypot(x - (-14 + 30 * along), y - (18 - 9 * along))
    return np.exp(-((distance / 0.12) ** 2))


def _surface(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Height in mm."""
    paper = cv2.GaussianBlur(rng.normal(size=x.shape), (0, 0), 2.0)
    dent = -0.035 * np.exp(-(((x - 12) / 2.2) ** 2) - ((y + 22) / 1.7) ** 2)
    bow = -0.25 * (y / 44) ** 2 + 0.05 * x * y / (31.5 * 44)
    return bow + dent - 0.006 * _scratch(x, y) + 0.0004 * paper / paper.std()


def _normals(height_mm: Floats, pixel_mm: float) -> Floats:
    down, right = np.gradient(height_mm, pixel_mm)
    vectors = np.dstack([-right, down, np.ones_like(right)])  # y is up, rows go down
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def _print(x: Floats, y: Floats) -> Floats:
    """A made-up card: pale border, a picture of hills and a sun, two lines of dark type."""
    paper, ink = np.array([0.86, 0.83, 0.74]), np.array([0.05, 0.05, 0.07])
    sky = np.dstack([0.16 + 0.004 * y, 0.34 + 0.004 * y, 0.52 + 0.002 * y])
    sky[np.hypot(x - 8, y - 22) < 8] = (0.86, 0.48, 0.16)
    for level, height, colour in (
        (8, 4, (0.10, 0.30, 0.28)),
        (-2, 5, (0.07, 0.20, 0.16)),
        (-10, 3, (0.03, 0.11, 0.09)),
    ):
        sky[y < level + height * np.sin(x / 7 + level)] = colour
    sky[y < -17] = (0.78, 0.74, 0.62)
    picture = np.broadcast_to(paper, (*x.shape, 3)).copy()
    inside = (x > -28.3) & (x < 28.7) & (y > -40.8) & (y < 41.0)
    picture[inside] = np.clip(sky[inside], 0.02, 0.95)
    for top in (-21.0, -25.0, -29.0, -33.0):
        type_ = (
            (np.abs(y - top) < 0.9)
            & (np.abs(x) < 24 - (top == -33.0) * 14)
            & (np.sin(3.1 * x + top) + np.sin(7.7 * x) > -0.4)
        )
        picture[type_] = ink
    return picture


def _rounded(x: Floats, y: Floats, radius: float) -> NDArray[np.bool_]:
    dx, dy = np.abs(x) - (WIDTH_MM / 2 - radius), np.abs(y) - (HEIGHT_MM / 2 - radius)
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) < radius


def make_lights() -> CardLights:
    """Eight lights on two rings, of unequal power, colour and lobe, aimed a little off the card."""
    azimuth = np.radians(22.5 + 45 * np.arange(8))
    radius, height = np.where(np.arange(8) % 2, 190, 150), np.where(np.arange(8) % 2, 120, 165)
    positions = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=1)
    axes = np.array([5.0, -8.0, 0.0]) - positions
    power = 1e5 * np.linspace(0.8, 1.25, 8)[:, None] * np.array([0.95, 1.0, 1.08])
    power[3] *= (1.1, 1.0, 0.9)
    return CardLights(
        positions, power, axes / np.linalg.norm(axes, axis=1, keepdims=True), np.linspace(0.8, 2.0, 8)
    )


def render(albedo: Floats, normals: Floats, x: Floats, y: Floats, lights: CardLights, k: int) -> Floats:
    """Irradiance of a near light times the share that a matte surface returns, pixel by pixel."""
    away = np.dstack([x, y, np.zeros_like(x)]) - lights.positions_mm[k]  # from the light to the card
    squared = (away**2).sum(axis=2)
    unit = away / np.sqrt(squared)[..., None]
    emitted = np.clip(unit @ lights.axes[k], 0, None) ** lights.lobes[k]
    incidence = np.clip(-(unit * normals).sum(axis=2), 0, None)
    return albedo * (emitted * incidence / squared)[..., None] * lights.powers[k]


def _photograph(linear: Floats, valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    scaled = np.clip(0.8 * linear / np.percentile(linear, 99.5), 0, 1) * valid[..., None]
    small = cv2.resize(scaled, (126, 176), interpolation=cv2.INTER_AREA)
    return np.rint(255 * small ** (1 / 2.2)).astype(np.uint8)


def make_facts(lights: CardLights, **changes: object) -> ReportFacts:
    scan = ScanManifest(
        id="0192f3a7c4e87d10b3a98e3d5f60a1b2", card_id="0192f3a7aa017000a1b2c3d4e5f60718", side="front",
        name="Hills at Evening, 12/98", created="2026-11-22T14:03:27Z",
        plan=ScanPlan(rectified_dpi=400), frames=(),
        provenance=Provenance(
            software="scan-station 0.1.0", firmware="1.0.0", board="board-7f21", camera="UVC 3264x2448 Y16",
            profile="bench-2026-11", profile_sha256="9f2c" * 16, simulated=True, machine="bench",
        ),
        stages_s={"ambient": 0.31, "lights": 2.84, "store": 0.42},
    )  # fmt: skip
    given: dict[str, object] = {
        "scan": scan, "measurements": make_measurements(), "lights": lights, "number": 1,
        "computed": "2026-11-22T14:03:41Z",
        "stages_s": {"rectify": 1.1, "normals": 4.72, "height": 1.93, "centering": 0.35},
        "truth_note": "Against the simulated truth the normals are off by 0.31° (median).",
    }  # fmt: skip
    return ReportFacts(**{**given, **changes})


def make_measurements() -> Measurements:
    return Measurements(
        outline=Outline(
            corners_mm=((-31.4, 43.9), (31.5, 44.0), (31.4, -44.0), (-31.5, -43.9)),
            width_mm=62.92, height_mm=87.95, rotation_deg=1.24, residual_mm=0.012,
        ),
        centering=Centering(
            left_mm=3.16, right_mm=2.76, top_mm=2.97, bottom_mm=3.18, sigma_mm=0.018, horizontal_percent=53.4,
            vertical_percent=51.7, left_percent=53.4, top_percent=48.3,
        ),
        quality=Quality(
            sampled_dpi=418, rectified_dpi=400, mtf50_cy_per_mm=4.6, registration_px=0.042,
            registration_shift_px=0.161,
            normal_sigma_deg=0.31, chi2_median=1.08, curl_rms=0.0021, clipped_percent=0.02, dark_percent=0.4,
            bow_mm=0.25,
        ),
        not_assessed=(
            NotAssessed(what="Corners", why="No model of corner wear has been trained."),
            NotAssessed(what="Edges", why="Not part of this release."),
            NotAssessed(what="Twist", why="The card’s outline was not measured in height."),
        ),
    )  # fmt: skip


@pytest.fixture(scope="session")
def card() -> SyntheticCard:
    return make_card(dpi=110)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Per module: while Playwright runs, this thread can run no other event loop."""
    if not Path(CHROMIUM).exists():
        reason = f"{CHROMIUM} is missing: the report was not looked at"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A report in a window, with everything it complained about and everything it asked the network for."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def show(self, fragment: str) -> None:
        """Go to a fragment of the report and wait until the card is drawn so."""
        self.page.goto(f"{self.address}#{fragment}")
        self.page.wait_for_selector(f'html[data-shown="{fragment}"]', state="attached")
        self.home()

    def home(self) -> None:
        """Scroll to the picture: what lies outside of the window cannot be pointed at."""
        self.page.evaluate("() => document.getElementById('stage').scrollIntoView({ behavior: 'instant' })")

    def settle(self) -> None:
        """Wait until everything asked for so far is drawn."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def picture(self) -> NDArray[np.uint8]:
        """The canvas as it is on the screen, RGB."""
        self.settle()
        return decode_png(self.page.locator("#card").screenshot())


Open = Callable[..., Opened]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a report from a file, offline, in a window of its own."""
    contexts = []

    def open_(
        html: bytes, fragment: str = "", width: int = 720, height: int = 640, **options: object
    ) -> Opened:
        path = tmp_path / "report.html"
        path.write_bytes(html)
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        contexts.append(context)
        opened = Opened(context.new_page(), path.as_uri())
        opened.page.on(
            "console", lambda m: opened.complaints.append(m.text) if m.type in {"error", "warning"} else None
        )
        opened.page.on("pageerror", lambda e: opened.complaints.append(str(e)))
        opened.page.on("request", lambda r: opened.requests.append(r.url))
        opened.show(fragment)
        return opened

    yield open_
    for context in contexts:
        context.close()


def decode_png(data: bytes) -> NDArray[np.uint8]:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


class Compare:
    """What a report shows against what a light truly makes of a card."""

    @staticmethod
    def lit(opened: Opened, light: int, renderer: str = "webgl") -> Floats:
        """The card alone, linear, lit as the rig's light: (h, w, 3), 0 to 1, the size of the window."""
        opened.show(f"light={light}&only=card&linear=1&renderer={renderer}")
        return opened.picture() / 255.0

    @staticmethod
    def resized(picture: Floats, size: tuple[int, int]) -> Floats:
        """Area mean at `size` (width, height)."""
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)

    @classmethod
    def correlation(cls, shown: Floats, true: Floats, valid: NDArray[np.bool_]) -> float:
        """Mean over the colours of Pearson's correlation over measured pixels.

        Both are linear (h, w, 3); unit and white balance may differ. `true` is resized to `shown`.
        """
        size = (shown.shape[1], shown.shape[0])
        mask = cls.resized(valid.astype(np.float64), size) > 0.999
        resized = cls.resized(np.where(valid[..., None], true, 0.0), size)
        return float(np.mean([np.corrcoef(shown[mask][:, c], resized[mask][:, c])[0, 1] for c in range(3)]))


@pytest.fixture(scope="session")
def compare() -> Compare:
    return Compare()


@pytest.fixture(scope="session")
def bumpy_card() -> SyntheticCard:
    return make_card(dpi=110, bump_mm=0.7)


@pytest.fixture(scope="session")
def enlarge() -> Callable[..., ReportMaps]:
    """Maps at another resolution, with noise on every normal."""

    def enlarged(maps: ReportMaps, dpi: float, noise_deg: float) -> ReportMaps:
        size = (round(WIDTH_MM * dpi / 25.4), round(HEIGHT_MM * dpi / 25.4))
        arrays = {
            n: cv2.resize(getattr(maps, n), size) for n in ("normals", "albedo", "height_um", "sigma_deg")
        }
        arrays["normals"] += (
            np.random.default_rng(2).normal(0, np.radians(noise_deg), (*size[::-1], 3)).astype(np.float32)
        )
        arrays["normals"] /= np.linalg.norm(arrays["normals"], axis=2, keepdims=True)
        valid = cv2.resize(maps.valid.astype(np.uint8), size) > 0
        return replace(maps, **arrays, valid=valid, dpi=dpi, gloss=None, residual=None)

    return enlarged


@pytest.fixture(scope="session")
def decode_uri() -> Callable[[str], NDArray[np.uint8]]:
    return lambda uri: decode_png(base64.b64decode(uri.partition(",")[2]))
