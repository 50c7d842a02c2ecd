"""Colours: a chart under the twin's camera, whose filters are known; and what a poor chart says."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.colours.chart_view import Patches, measure_chart
from station.calibrate.colours.charts import load_chart
from station.calibrate.colours.cielab import ciede2000, lab
from station.calibrate.colours.colour import colour_matrix
from station.documents.boards import ChartSpec
from station.documents.fault import StationError
from station.documents.profile import UNIT_MATRIX, CameraProfile
from station.twin.chart import CAMERA_FROM_SRGB, ChartTarget
from station.twin.plate import PlatePose
from station.twin.scene import Scene
from station.twin.sensor import Sensor
from station.twin.sheet import Sheet

DPI = 75
EVERY_LIGHT = np.full(8, 0.11)
AVERAGED = 4
CLASSIC, GREY = load_chart("colorchecker"), load_chart("grey")
ACROSS = PlatePose(turn_deg=92.0, z_mm=1.0, x_mm=1.0, y_mm=-1.0)
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def camera() -> CameraProfile:
    optics = Scene(dpi=DPI).optics
    place = -optics.rotation @ optics.centre_mm
    return CameraProfile.model_validate(
        {
            "width_px": optics.width_px, "height_px": optics.height_px, "matrix": optics.matrix,
            "distortion": optics.lens.distortion, "rotation": _rodrigues(optics.rotation),
            "translation_mm": tuple(place), "bit_depth": 8, "black_level": Sensor(8).black_level,
            "full_scale": 255.0, "noise_a": 0.02, "noise_b": 0.1, "readout_us": 0,
        }
    )  # fmt: skip


def _rodrigues(turn: Array) -> tuple[float, ...]:
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    angle = np.arctan2(np.linalg.norm(axis), np.trace(turn) - 1)
    return tuple(axis / np.linalg.norm(axis) * angle)


@cache
def ratio(spec: ChartSpec, pose: PlatePose = ACROSS) -> Array:
    """The chart's picture divided by that of a white sheet in its place: reflectances."""
    scene = Scene(seed=3, dpi=DPI)

    def mean(first: int) -> Array:
        frames = [scene.render(EVERY_LIGHT, sequence=first + n).astype(float) for n in range(AVERAGED)]
        return np.mean(frames, axis=0) - Sensor(8).black_level

    scene.place(Sheet(height_mm=1.0))
    flat = mean(100) / 0.9
    scene.place(ChartTarget(spec, pose))
    return mean(200) / flat


def seen_by(
    camera_from_srgb: Array, spec: ChartSpec = CLASSIC, brightness: float = 1.0, sigma: float = 1e-4
) -> Patches:
    """Patches without a picture."""
    values = brightness * np.array(spec.srgb) @ camera_from_srgb.T
    return Patches(values, np.full(values.shape, sigma), np.zeros(len(values)))


@pytest.mark.parametrize("turn_deg", [92.0, -88.0, 85.0])
def test_patches_are_what_lies_there_however_the_chart_lies(camera: CameraProfile, turn_deg: float) -> None:
    pose = replace(ACROSS, turn_deg=turn_deg)
    patches = measure_chart(ratio(CLASSIC, pose), camera, CLASSIC)
    assert np.abs(patches.reflectance - ChartTarget(CLASSIC).seen()).max() < 0.01
    assert patches.sigma.max() < 0.002
    assert patches.uneven.max() < 0.05


def test_the_matrix_undoes_the_cameras_filters(
    camera: CameraProfile, record_property: Callable[[str, Any], None]
) -> None:
    fit = colour_matrix(measure_chart(ratio(CLASSIC), camera, CLASSIC), CLASSIC)
    assert np.abs(np.array(fit.matrix) - np.linalg.inv(CAMERA_FROM_SRGB)).max() < 0.01
    record_property("delta_e", [fit.delta_e_mean, "CIEDE2000"])
    assert fit.delta_e_mean < 0.3
    assert fit.delta_e_largest < 1.0
    assert fit.delta_e_before > 5
    assert fit.brightness == pytest.approx(1.0, abs=0.01)
    assert not fit.findings


def test_grey_stays_grey(camera: CameraProfile) -> None:
    fit = colour_matrix(measure_chart(ratio(CLASSIC), camera, CLASSIC), CLASSIC)
    assert np.array(fit.matrix).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-9)


def test_a_grey_card_leaves_the_identity(camera: CameraProfile) -> None:
    fit = colour_matrix(measure_chart(ratio(GREY), camera, GREY), GREY)
    assert fit.matrix == UNIT_MATRIX
    assert not fit.sigma.any()
    assert fit.delta_e_mean < 0.5
    assert not fit.findings


def test_brightness_is_not_the_matrixs_business() -> None:
    plain, bright = (colour_matrix(seen_by(CAMERA_FROM_SRGB, brightness=b), CLASSIC) for b in (1.0, 1.2))
    assert np.allclose(plain.matrix, bright.matrix, atol=1e-4)
    assert bright.brightness == pytest.approx(1.2, rel=1e-3)


def test_the_uncertainty_is_the_scatter_of_noisy_charts() -> None:
    clean = seen_by(CAMERA_FROM_SRGB, sigma=0.004)
    fits = []
    for seed in range(25):
        noise = np.random.default_rng(seed).normal(0, 0.004, clean.reflectance.shape)
        fits.append(colour_matrix(replace(clean, reflectance=clean.reflectance + noise), CLASSIC))
    scatter = np.std([fit.matrix for fit in fits], axis=0, ddof=1)
    told = np.mean([fit.sigma for fit in fits], axis=0)
    assert scatter.mean() == pytest.approx(told.mean(), rel=0.5)


def test_filters_that_no_matrix_undoes_leave_a_difference() -> None:
    bent = seen_by(CAMERA_FROM_SRGB)
    fit = colour_matrix(replace(bent, reflectance=bent.reflectance**1.4), CLASSIC)
    assert fit.delta_e_mean > 1
    assert fit.sigma.max() > 0.01


def test_a_tinted_flat_field_is_told() -> None:
    patches = seen_by(CAMERA_FROM_SRGB)
    fit = colour_matrix(replace(patches, reflectance=patches.reflectance * (1.08, 1.0, 0.95)), CLASSIC)
    assert any("greys are not grey" in finding.message for finding in fit.findings)


def test_the_wrong_chart_is_told() -> None:
    turned = seen_by(CAMERA_FROM_SRGB)
    fit = colour_matrix(replace(turned, reflectance=turned.reflectance[::-1]), CLASSIC)
    [finding] = [finding for finding in fit.findings if "colours come out wrong" in finding.message]
    assert finding.severe


def test_clipped_patches_are_left_out_and_told(camera: CameraProfile) -> None:
    picture = ratio(CLASSIC).copy()
    picture[picture.max(axis=2) > 0.7] = np.nan
    patches = measure_chart(picture, camera, CLASSIC)
    unseen = np.isnan(patches.reflectance).any(axis=1)
    assert unseen[18]  # white
    fit = colour_matrix(patches, CLASSIC)
    assert np.abs(np.array(fit.matrix) - np.linalg.inv(CAMERA_FROM_SRGB)).max() < 0.02
    assert [finding.kind for finding in fit.findings] == ["clipped"]


def test_a_frame_that_is_covered_is_refused(camera: CameraProfile) -> None:
    picture = ratio(CLASSIC).copy()
    picture[:80] = 0.05
    with pytest.raises(StationError, match="of the chart's frame is not in the picture just once") as caught:
        measure_chart(picture, camera, CLASSIC)
    assert caught.value.code == "calibration_failed"


def test_another_frame_is_refused(camera: CameraProfile) -> None:
    other = CLASSIC.replace(frame_mm=(60.0, 80.0))
    with pytest.raises(StationError, match="beside their places"):
        measure_chart(ratio(CLASSIC), camera, other)


def test_a_chart_of_which_nothing_is_seen_is_refused() -> None:
    patches = seen_by(CAMERA_FROM_SRGB)
    patches.reflectance[2:] = np.nan
    with pytest.raises(StationError, match="only 2 of the chart's 24 patches"):
        colour_matrix(patches, CLASSIC)


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [  # from the test data that Sharma, Wu and Dalal published with the formula
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (50.0, 3.1736, 0.5854), 1.0000),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ],
)
def test_the_difference_formula_gives_the_published_figures(
    one: tuple[float, ...], other: tuple[float, ...], difference: float
) -> None:
    assert float(ciede2000(np.array(one), np.array(other))) == pytest.approx(difference, abs=1e-4)
    assert float(ciede2000(np.array(other), np.array(one))) == pytest.approx(difference, abs=1e-4)


def test_white_black_and_red_have_their_known_coordinates() -> None:
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=1e-6)
    assert lab(np.zeros(3)) == pytest.approx([0, 0, 0], abs=1e-6)
    assert lab(np.array([1.0, 0, 0])) == pytest.approx([53.24, 80.09, 67.20], abs=0.03)


def test_the_shipped_chart_is_the_classic_one() -> None:
    """Against the sRGB codes the manufacturer prints on the sleeve of the older chart: a few units apart."""
    sleeve = {0: (115, 82, 68), 8: (193, 90, 99), 14: (175, 54, 60), 15: (231, 199, 31), 21: (122, 122, 121)}
    for patch, codes in sleeve.items():
        linear = np.array(CLASSIC.srgb[patch])
        encoded = (
            np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055) * 255
        )
        assert np.abs(encoded - codes).max() < 18


def test_charts_are_found_by_name_and_by_path_and_refused_in_words(tmp_path: Path) -> None:
    assert (CLASSIC.columns, CLASSIC.rows, len(CLASSIC.srgb)) == (6, 4, 24)
    with pytest.raises(StationError, match="no colour chart named rainbow"):
        load_chart("rainbow")
    short = tmp_path / "short.toml"
    source = Path(__file__).parents[3] / "calibration" / "charts" / "grey.toml"
    short.write_text(source.read_text("utf-8").replace("columns = 3", "columns = 4"), "utf-8")
    with pytest.raises(StationError, match="gives 3 colours for 4 x 1 patches"):
        load_chart(str(short))
    short.write_text("name = 3", "utf-8")
    with pytest.raises(StationError, match="is not a colour chart"):
        load_chart(str(short))
    with pytest.raises(StationError, match="cannot be read"):
        load_chart(str(tmp_path / "absent.toml"))
