"""Balls on the twin's white sheet: all are found, and where they mirror each light is true to its doubt."""

import cv2
import numpy as np
import pytest

from station.calibrate.spheres.balls import BallsSeen, look_at_balls, radius_px
from station.documents.calibrating import CalibrationOptions
from station.documents.profile import CameraProfile
from station.twin.balls import Balls, BallView
from station.twin.laying import lay
from station.twin.profile import Calibration, camera_profile, profile
from station.twin.rigs import random_rig
from station.twin.scene import Scene
from station.twin.spec import Unkind

DPI = 150
PLACES = ((-23.0, -31.0), (21.0, -33.0), (1.0, 2.0))
SHORT_US = 20
"""The lamps' images are not clipped at 150 dpi."""


class Table:
    """Balls under the twin's camera, each light in a bright and in a short picture."""

    def __init__(self, balls: Balls, seed: int = 1) -> None:
        scene = Scene(seed, dpi=DPI)
        scene.place(balls)
        each = np.eye(len(scene.rig.lights))
        self.bright = np.stack([scene.render(on, sequence=10 + n) for n, on in enumerate(each)])
        self.short = np.stack(
            [scene.render(on, sequence=30 + n, exposure_us=SHORT_US) for n, on in enumerate(each)]
        )
        self.view = BallView(balls, scene.optics, scene.rig.lights)
        self.lights = len(each)

    @property
    def camera(self) -> CameraProfile:
        """As a calibration would find it."""
        return profile(Calibration(np.ones((8, 2, 2, 3), np.float32), 0.025, 0.09), "x", "x", DPI).camera

    def seen(self) -> BallsSeen:
        """What is found."""
        return look_at_balls(self.bright, self.short, self.camera, 10.0, 0.3)

    def errors(self, seen: BallsSeen) -> tuple[np.ndarray, np.ndarray]:
        """Of centres (balls, 2) and highlights (balls, lights, 2), px."""
        ellipses = [cv2.fitEllipse(self.view.outline_px(n).astype(np.float32)) for n in range(len(PLACES))]
        centres = np.array([ellipse[0] for ellipse in ellipses])
        off, spots = [], []
        for look in seen.looks:
            ball = int(np.argmin(np.linalg.norm(centres - look.centre_px, axis=1)))
            true = np.array([self.view.highlight_px(ball, light) for light in range(self.lights)])
            off.append(look.centre_px - centres[ball])
            spots.append(look.highlights_px - true)
        return np.array(off), np.array(spots)


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(Balls(PLACES))


def test_every_ball_is_found_with_all_its_lights(table: Table) -> None:
    seen = table.seen()
    assert len(seen.looks) == len(PLACES)
    assert seen.findings == ()
    for look in seen.looks:
        assert np.isfinite(look.highlights_px).all()
        assert (look.radius_mm, look.rests_on_mm) == (10.0, 0.3)


def test_centres_and_highlights_are_as_true_as_they_say(table: Table) -> None:
    """The pictures move by 0.05 px against each other, and that is most of it."""
    seen = table.seen()
    off, spots = table.errors(seen)
    assert 0.02 < seen.motion_px < 0.08
    assert np.abs(off).max() < 0.1
    assert np.abs(spots).max() < 0.25
    shares = off / np.array([[look.centre_sigma_px] for look in seen.looks])
    assert np.sqrt(np.mean(shares**2)) < 2.5
    shares = spots / np.array([look.sigma_px[:, None] for look in seen.looks])
    assert 0.2 < np.sqrt(np.mean(shares**2)) < 2.0


def test_pictures_that_stand_still_are_measured_finer() -> None:
    still = Table(Balls(PLACES, unkind=Unkind().without("motion_px_rms", "light_drift")))
    seen = still.seen()
    off, spots = still.errors(seen)
    assert seen.motion_px < 0.03
    assert np.abs(off).max() < 0.05
    assert np.abs(spots).max() < 0.05


def test_the_radius_of_a_ball_follows_from_the_camera(table: Table) -> None:
    expected = radius_px(table.camera, 10.0, 0.3)
    assert [outline.radius_px for outline in table.seen().outlines] == pytest.approx([expected] * 3, abs=0.5)


def test_balls_of_another_size_are_none_of_these(table: Table) -> None:
    seen = look_at_balls(table.bright, table.short, table.camera, 7.0, 0.3)
    assert seen.looks == ()
    assert [finding.kind for finding in seen.findings] == ["not_found"]


def test_a_light_that_does_not_burn_and_a_long_exposure_are_named(table: Table) -> None:
    dark = table.short.copy()
    dark[2] = dark.min(axis=0)
    seen = look_at_balls(table.bright, dark, table.camera, 10.0, 0.3)
    assert [(one.kind, one.lights) for one in seen.findings] == [("unlit", (2,))]
    assert all(np.isnan(look.highlights_px[2]).all() for look in seen.looks)
    long = look_at_balls(table.bright, table.bright, table.camera, 10.0, 0.3)
    assert "clipped_highlight" in [one.kind for one in long.findings]


def test_a_ball_is_found_once_although_the_rough_circles_are_off() -> None:
    """With a search of 5 % of the radius this one was found twice, and others not at all."""
    scene = Scene(13, dpi=200, rig=random_rig(13))
    lay(scene, "balls", 1, CalibrationOptions())
    camera = camera_profile(scene.optics, 0.02, 0.1)
    bright, short = (
        [scene.render(on, exposure_us=us, sequence=k) for k, on in enumerate(np.eye(8))]
        for us in (15_000, 100)
    )
    assert len(look_at_balls(bright, short, camera, 10.0, 0.3).looks) == 1
