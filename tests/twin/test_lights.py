"""The ring of lights, and that a flat card mirrors none of them into the camera."""

from math import hypot

import numpy as np
import pytest

from station.twin.lights import HEIGHT_MM, LED_HALF_MM, RING_MM, SPREAD, light_field, ring
from station.twin.optics import CENTRE_MM

EYE = np.array(CENTRE_MM)


def test_ring_is_where_it_should_be_within_its_scatter() -> None:
    for k, light in enumerate(ring()):
        x, y, z = light.position_mm
        assert hypot(x, y) == pytest.approx(RING_MM, abs=6)
        assert z == pytest.approx(HEIGHT_MM, abs=3.1)
        assert np.rad2deg(np.arctan2(y, x)) % 360 == pytest.approx(22.5 + 45 * k, abs=3)
        toward_centre = -light.position_mm / np.linalg.norm(light.position_mm)
        assert np.rad2deg(np.arccos(light.axis @ toward_centre)) < 8


def test_powers_are_unequal_by_the_spread() -> None:
    powers = [light.power for light in ring()]
    assert max(powers) / min(powers) == pytest.approx(SPREAD)
    assert np.prod(powers) == pytest.approx(1)


def test_light_falls_off_with_the_square_of_the_distance() -> None:
    light = ring()[0]
    ways = np.array([100.0, 200.0, 400.0])
    places = light.position_mm + light.axis * ways[:, None]
    strength = np.linalg.norm(light_field(light, places, EYE, 0.1)[:, :3], axis=-1)
    np.testing.assert_allclose(
        strength * ways**2, strength[0] * ways[0] ** 2, rtol=5 * (LED_HALF_MM / 100) ** 2
    )


def test_light_comes_from_the_light() -> None:
    place = np.array([[10.0, -20.0, 0.3]])
    for light in ring():
        field = light_field(light, place, EYE, 0.1)[0, :3]
        toward = light.position_mm - place[0]
        assert field @ toward / np.linalg.norm(field) / np.linalg.norm(toward) > 0.99999


def test_mirror_point_of_every_light_misses_the_card() -> None:
    """The mirror image of a light, joined with the eye, crosses the card's plane outside the picture."""
    for light in ring():
        image = light.position_mm * (1, 1, -1)
        crossing = image + (EYE - image) * (-image[2] / (EYE[2] - image[2]))
        assert hypot(crossing[0], crossing[1]) > 90
