"""The lights and the flat field of the twin's rigs, from rendered pictures of a sheet as it is sold."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.lights.bundle import fit_lights
from station.calibrate.lights.bundle_result import LightsFit
from station.calibrate.lights.flatfield import flat_field, grid_of
from station.calibrate.observed import BallLook, FlatLook
from station.documents.profile import LightProfile
from station.twin.balls import Balls, BallView
from station.twin.lights import Light
from station.twin.optics import Optics
from station.twin.profile import camera_profile
from station.twin.rigs import Layout, Rig, nominal, random_rig
from station.twin.scene import Scene
from station.twin.sheet import Sheet
from station.twin.spec import Unkind

DPI = 100
FRAMES = 16
ROWS, COLUMNS = 52, 40
PLANE_MM, RAISED_MM = 0.3, 4.3
PLACES_MM = ((-22.0, -30.0), (22.0, -28.0), (0.0, 0.0), (-21.0, 31.0), (23.0, 29.0))
RIGS: tuple[tuple[int, Layout], ...] = ((1, "ring"), (2, "two_rings"))

Array = NDArray[np.float64]


def grids(rig: Rig, sheet: Sheet, seed: int, frames: int, exposure_us: int) -> NDArray[np.float32]:
    """Mean frames under every light less those in the dark, as grids."""
    scene = Scene(seed=seed, dpi=DPI, rig=rig)
    scene.place(sheet)

    def mean(on: Array, first: int) -> Array:
        shots = [
            scene.render(on, sequence=first + n, bit_depth=16, exposure_us=exposure_us) for n in range(frames)
        ]
        return np.asarray(np.mean(shots, axis=0, dtype=np.float64))

    dark = mean(np.zeros(8), 0)
    lit = [grid_of(mean(on, 1000 * (k + 1)) - dark, ROWS, COLUMNS) for k, on in enumerate(np.eye(8))]
    return np.array(lit, np.float32)


def sphere(rig: Rig, place: tuple[float, float], rng: np.random.Generator) -> BallLook:
    """As if found to a fifth of a pixel of the full resolution."""
    view = BallView(Balls((place,)), Optics(600, rig.lens), rig.lights)
    outline = view.outline_px(0)
    middle = outline.mean(axis=0)
    centre = middle + np.array(cv2.fitEllipseDirect((outline - middle).astype(np.float32))[0])
    shown = np.array([view.highlight_px(0, k) for k in range(8)])
    x, y = centre + rng.normal(0, 0.2, 2)
    return BallLook(
        view.balls.radius_mm, view.balls.sheet.height_mm, (float(x), float(y)), 0.2,
        shown + rng.normal(0, 0.2, shown.shape), np.full(8, 0.2),
    )  # fmt: skip


def profiles(lights: tuple[Light, ...]) -> tuple[LightProfile, ...]:
    return tuple(
        LightProfile(
            position_mm=tuple(light.position_mm.tolist()), power=(1.0, 1.0, 1.0),
            axis=tuple(light.axis.tolist()), lobe=light.lobe,
        )
        for light in lights
    )  # fmt: skip


def observed(rig: Rig, seed: int) -> tuple[list[FlatLook], list[BallLook]]:
    rng = np.random.default_rng(seed)
    looks = []
    for n, height in enumerate((PLANE_MM, RAISED_MM)):
        tilt = (float(rng.normal(0, 0.1)), float(rng.normal(0, 0.1)))
        sheet = replace(Sheet.bought(seed, turned=n == 1), height_mm=height, tilt_deg=tilt)
        grid = grids(rig, sheet, 10 * seed + n, FRAMES, 15_000)
        looks.append(FlatLook(grid, np.full(8, 1e-3), height, turned=sheet.turned))
    return looks, [sphere(rig, place, rng) for place in PLACES_MM]


@pytest.mark.parametrize(("seed", "layout"), RIGS)
def test_a_home_made_rig_is_calibrated(
    seed: int, layout: Layout, record_property: Callable[[str, object], None]
) -> None:
    rig = random_rig(seed, layout)
    camera = camera_profile(Optics(600, rig.lens), 0.02, 0.1)
    looks, balls = observed(rig, seed)
    fit = fit_lights(camera, looks, balls, profiles(nominal(layout)), reflectance=0.9)
    assert not fit.findings

    angles = directions_deg(fit, rig)
    record_property(f"{layout}_light_direction_deg", [float(angles.mean()), "deg"])
    assert angles.mean() < 0.12
    assert np.mean([one.direction_sigma_deg for one in fit.fits]) == pytest.approx(0.065, abs=0.03)
    lobes = np.array([light.lobe for light in fit.lights]) - np.array([light.lobe for light in rig.lights])
    assert np.sqrt(np.mean(lobes**2)) < 0.08

    flat = flat_field(fit, looks, camera, PLANE_MM)
    ideal = grids(rig, Sheet(height_mm=PLANE_MM, unkind=Unkind.kind()), 3, 1, 10_000)
    off = 100 * np.log(flat / ideal).mean(axis=-1)
    shape = off - off.mean(axis=(1, 2), keepdims=True)
    own = shape - shape.mean(axis=0)  # what all lights have in common changes no normal
    record_property(f"{layout}_flat_field_percent", [float(np.sqrt(np.mean(own**2))), "%"])
    assert np.std(off.mean(axis=(1, 2))) < 0.5  # the lights drift by 1 % from frame to frame
    assert np.sqrt(np.mean(shape**2)) < 0.3
    assert np.sqrt(np.mean(own**2)) < 0.08


def directions_deg(fit: LightsFit, rig: Rig) -> Array:
    found = np.array([light.position_mm for light in fit.lights])
    truth = np.array([light.position_mm for light in rig.lights])
    cross = np.linalg.norm(np.cross(found, truth), axis=1)
    return np.asarray(np.degrees(np.arctan2(cross, (found * truth).sum(axis=1))))
