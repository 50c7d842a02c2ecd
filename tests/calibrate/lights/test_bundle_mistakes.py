"""Mistakes at the bench are named, with the lights that they concern."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from station.calibrate.lights.bundle import fit_lights
from station.calibrate.lights.bundle_result import LightsFit
from station.calibrate.observed import BallLook, FlatLook
from station.documents.calibration import CalibrationFinding
from station.documents.profile import LightProfile
from tests.calibrate.lights.synthetic import (
    PLACES_MM,
    ball_look,
    camera,
    flat_look,
    laid,
    leds,
    nominal,
    paper,
    session,
    with_highlights,
)

CAMERA = camera()
SEEN = session(11)


def fit(
    flats: Sequence[FlatLook] = SEEN.flats,
    balls: Sequence[BallLook] = SEEN.balls,
    start: Sequence[LightProfile] = SEEN.start,
) -> LightsFit:
    return fit_lights(CAMERA, flats, balls, start)


def found(of: LightsFit, kind: str) -> CalibrationFinding:
    """The one finding of a kind; no other kind is severe."""
    severe = [one for one in of.findings if one.severe]
    assert [one.kind for one in severe] == [kind], of.findings
    return severe[0]


def exchanged(balls: Sequence[BallLook], order: Sequence[int]) -> tuple[BallLook, ...]:
    return tuple(with_highlights(ball, ball.highlights_px[list(order)]) for ball in balls)


def off(of: LightsFit, rig: Sequence[object] = SEEN.rig) -> float:
    places = np.array([light.position_mm for light in of.lights])
    truth = np.array([led.place_mm for led in SEEN.rig])
    return float(np.linalg.norm(places - truth, axis=1).max())


def test_a_careful_session_has_no_findings() -> None:
    assert not fit().findings


@pytest.mark.parametrize("dark", [0, 5])
def test_an_unlit_led_is_named_and_the_others_are_fitted(dark: int) -> None:
    flats = []
    for look in SEEN.flats:
        grid = look.grid.copy()
        grid[dark] = 0.3
        flats.append(replace(look, grid=grid))
    blind = []
    for ball in SEEN.balls:
        seen = ball.highlights_px.copy()
        seen[dark] = np.nan
        blind.append(with_highlights(ball, seen))
    result = fit(flats, blind)
    finding = found(result, "unlit")
    assert finding.lights == (dark,)
    assert f"light {dark}" in finding.message
    assert result.lights[dark] == SEEN.start[dark]
    assert [one.light for one in result.fits] == [k for k in range(8) if k != dark]
    others = np.delete(np.array([light.position_mm for light in result.lights]), dark, axis=0)
    truth = np.delete(np.array([led.place_mm for led in SEEN.rig]), dark, axis=0)
    assert np.linalg.norm(others - truth, axis=1).max() < 4.0


def test_an_led_that_no_sphere_shows_is_unlit_where_there_are_spheres_only() -> None:
    blind = []
    for ball in SEEN.balls:
        seen = ball.highlights_px.copy()
        seen[3] = np.nan
        blind.append(with_highlights(ball, seen))
    assert found(fit((), blind), "unlit").lights == (3,)


def test_reflections_that_are_missing_are_told_and_the_flat_fills_in() -> None:
    blind = []
    for ball in SEEN.balls:
        seen = ball.highlights_px.copy()
        seen[3] = np.nan
        blind.append(with_highlights(ball, seen))
    result = fit(balls=blind)
    (finding,) = result.findings
    assert (finding.kind, finding.lights, finding.severe) == ("not_found", (3,), False)
    assert off(result) < 5.0
    assert result.fits[3].highlight_rms_px is None


def test_lights_that_changed_places_between_flats_and_spheres_are_named() -> None:
    result = fit(balls=exchanged(SEEN.balls, [0, 6, 2, 3, 4, 5, 1, 7]))
    assert found(result, "swapped").lights == (1, 6)
    assert off(result) < 4.0


def test_neighbours_that_changed_places_are_named() -> None:
    result = fit(balls=exchanged(SEEN.balls, [0, 1, 2, 4, 3, 5, 6, 7]))
    assert found(result, "swapped").lights == (3, 4)


@pytest.mark.parametrize("kinds", ["both", "flats", "balls"])
def test_a_pair_that_burns_in_each_others_places_is_named(kinds: str) -> None:
    start = [SEEN.start[k] for k in (0, 1, 5, 3, 4, 2, 6, 7)]
    result = fit(SEEN.flats if kinds != "balls" else (), SEEN.balls if kinds != "flats" else (), start)
    finding = found(result, "swapped")
    assert finding.lights == (2, 5)
    assert "2 in that of 5" in finding.message
    assert off(result) < 8.0


@pytest.mark.parametrize("kinds", ["both", "flats", "balls"])
def test_a_mirrored_ring_is_called_mirrored(kinds: str) -> None:
    def mirrored(light: LightProfile) -> LightProfile:
        (x, y, z), (u, v, w) = light.position_mm, light.axis
        return light.replace(position_mm=(-x, y, z), axis=(-u, v, w))

    start = [mirrored(light) for light in SEEN.start]
    result = fit(SEEN.flats if kinds != "balls" else (), SEEN.balls if kinds != "flats" else (), start)
    assert found(result, "mirrored").lights == tuple(range(8))
    assert off(result) < 8.0


def test_a_ring_numbered_from_another_light_is_called_turned() -> None:
    start = [SEEN.start[(k + 2) % 8] for k in range(8)]
    finding = found(fit(start=start), "rotated")
    degrees = int(finding.message.split(" by ")[1].split()[0])
    assert -97 < degrees < -83


def test_a_start_that_is_far_off_is_no_mistake() -> None:
    start = tuple(
        light.replace(
            position_mm=(light.position_mm[0] + 20, light.position_mm[1] - 15, light.position_mm[2] - 25)
        )
        for light in SEEN.start
    )
    result = fit(start=start)
    assert not result.findings
    assert off(result) < 4.0


@pytest.mark.parametrize("bow_mm", [0.7, 1.2])
def test_a_bent_target_is_named(bow_mm: float) -> None:
    bent = session(12, bow_mm)
    result = fit_lights(CAMERA, bent.flats, bent.balls, bent.start)
    assert "mm" in found(result, "bent_target").message


@pytest.mark.parametrize(
    "stains", [[[0.006, 12.0, 9.0, 0.4]], [[0.04, 3.0, 2.0, 1.0]]], ids=["fine", "coarse"]
)
def test_a_target_that_is_not_even_is_named(stains: list[list[float]]) -> None:
    rng = np.random.default_rng(13)
    rig, sheet = leds(rng), paper(rng)
    stained = replace(sheet, waves=np.vstack([sheet.waves, stains]))
    flats = [flat_look(rig, laid(stained, h, rng, turned=h > 1), rng) for h in (0.3, 4.3)]
    balls = [ball_look(rig, place, rng) for place in PLACES_MM]
    assert "not even" in found(fit(flats, balls, nominal()), "bent_target").message


def test_spheres_of_another_size_than_told_disagree_with_the_flat() -> None:
    small = [replace(ball, radius_mm=9.0) for ball in SEEN.balls]
    finding = found(fit(balls=small), "disagree")
    assert len(finding.lights) > 3
    assert "sphere" in finding.next_step


def test_a_height_that_was_told_wrong_is_noticed() -> None:
    second = replace(SEEN.flats[1], height_mm=SEEN.flats[1].height_mm + 2.0)
    finding = found(fit((SEEN.flats[0], second)), "disagree")
    assert "heights" in finding.message


def test_spheres_side_by_side_are_too_near_to_each_other() -> None:
    rng = np.random.default_rng(14)
    rig = leds(rng)
    near = [ball_look(rig, place, rng) for place in ((0.0, 0.0), (6.0, 2.0), (-4.0, 5.0))]
    assert found(fit((), near, nominal()), "poor_spread")


def test_a_few_wrong_highlights_do_no_harm() -> None:
    balls = list(SEEN.balls)
    for n, k, shift in ((0, 2, 30.0), (1, 5, -25.0), (3, 7, 60.0)):
        seen = balls[n].highlights_px.copy()
        seen[k] += shift
        balls[n] = with_highlights(balls[n], seen)
    result = fit(balls=balls)
    assert not result.findings
    assert off(result) < 4.0
    assert np.nanmax(np.abs(result.ball_residual_px[0, 2])) == pytest.approx(30.0, abs=2.0)


def test_specks_on_the_sheet_do_no_harm() -> None:
    rng = np.random.default_rng(15)
    flats = []
    for look in SEEN.flats:
        grid = look.grid.copy()
        for row, column in rng.integers(2, (50, 38), (6, 2)):
            grid[:, row : row + 2, column : column + 2] *= 0.8
        flats.append(replace(look, grid=grid))
    result = fit(flats)
    assert not [one for one in result.findings if one.severe]
    assert off(result) < 4.0
