"""From the twin's pictures to maps and measurements, held against the twin's truth."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.camera.interface import Pixels
from station.documents.fault import StationError
from station.documents.scan import Quality
from station.scan.pipeline import CARD_THICKNESS_MM, Computed, Shorter, Stack, compute, rectified_light_frames
from station.scan.window import card_mask
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from station.twin.truth import Truth, truth

DPI = 150
EXPOSURE_US = 15_000


def drawn_seed(purpose: str) -> int:
    """A card that nobody chose."""
    return int(hashlib.sha256(purpose.encode()).hexdigest()[:8], 16) % 1_000_000


@cache
def scene_of(spec: CardSpec | None) -> Scene:
    scene = Scene(seed=7, dpi=DPI)
    if spec is not None:
        scene.place(spec)
    return scene


def stack_of(
    spec: CardSpec | None, *, exposure_us: int = EXPOSURE_US, bit_depth: int = 8, on_us: tuple[int, ...] = ()
) -> Stack:
    def frame(light: int | None) -> Pixels:
        on = np.zeros(8)
        if light is not None:
            on[light] = on_us[light] / exposure_us if on_us else 1
        sequence = 1 if light is None else 2 + light
        return scene_of(spec).render(on, sequence=sequence, exposure_us=exposure_us, bit_depth=bit_depth)

    return Stack(frame(None), tuple(frame(k) for k in range(8)), tuple(range(8)), exposure_us, on_us)


@pytest.fixture(scope="module")
def profile() -> LoadedProfile:
    return load_profile("twin")


CARD = CardSpec(seed=drawn_seed("the card of most tests"))


@pytest.fixture(scope="module")
def stack() -> Stack:
    return stack_of(CARD)


@pytest.fixture(scope="module")
def computed(stack: Stack, profile: LoadedProfile) -> Computed:
    return compute(stack, profile, rectified_dpi=DPI)


def angle_deg(a: Any, b: Any) -> Any:
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


def errors_deg(found: Computed, true: Truth) -> tuple[Any, Any]:
    """Angular errors inside the card: of the normals found, and of one that always says (0, 0, 1)."""
    inside = true.mask & found.maps.valid
    assert inside.mean() > 0.97
    return (
        angle_deg(found.maps.normals, true.normals)[inside],
        angle_deg(np.array([0.0, 0.0, 1.0]), true.normals)[inside],
    )


def test_normals_albedo_and_height_of_a_card_that_nobody_chose(computed: Computed) -> None:
    true = truth(CARD, DPI)
    error, _ = errors_deg(computed, true)
    inside = true.mask & computed.maps.valid
    assert error.mean() < 1.5
    assert np.abs(computed.maps.albedo - true.albedo)[inside].mean() < 0.03
    height = (computed.maps.height_um - true.height_um)[inside]
    assert height.std() < 120


@pytest.mark.parametrize("purpose", ["bowed up", "bowed down", "bowed too"])
def test_a_bowed_card_is_seen_as_bowed(purpose: str, profile: LoadedProfile) -> None:
    """Less than half the error of an instrument that takes every card for flat."""
    bow_mm = -1.5 if "down" in purpose else 1.5
    spec = CardSpec(seed=drawn_seed(purpose), side="back" if "too" in purpose else "front", bow_mm=bow_mm)
    found = compute(stack_of(spec), profile, rectified_dpi=DPI)
    error, flat = errors_deg(found, truth(spec, DPI))
    assert error.mean() < 1.5
    assert flat.mean() > 1.5
    if spec.side == "front":
        assert error.mean() < 0.5 * flat.mean()
        assert found.measurements.quality.bow_mm == pytest.approx(bow_mm, abs=0.3)


def test_the_stated_uncertainty_fits_the_errors_of_a_kind_world(profile: LoadedProfile) -> None:
    """A card without relief, coat and wear: nothing but noise, and the normals are as wrong as they say."""
    unkind = replace(Unkind.kind(), shot_noise=True, read_noise=True)
    spec = CardSpec(seed=drawn_seed("kind"), bow_mm=0.01, twist_mm=0.0, unkind=unkind)
    found = compute(stack_of(spec), profile, rectified_dpi=DPI)
    true = truth(spec, DPI)
    inside = np.zeros_like(true.mask)
    inside[30:-30, 30:-30] = True
    ratio = angle_deg(found.maps.normals, true.normals)[inside] / found.maps.sigma_deg[inside]
    # a normal deviate in two dimensions has the median length 1.18; the model has an error of its own
    assert np.median(ratio) == pytest.approx(1.1, abs=0.2)


def test_every_quality_figure_is_measured(computed: Computed) -> None:
    figures = computed.measurements.quality
    # the edges decide about the first, other scans say the last, and the twin's profile keeps no mat
    excused = {"mtf50_cy_per_mm", "focus_percent", "calibration"}
    excused |= {name for name in Quality.model_fields if name.startswith("mat_")}
    assert {name for name in Quality.model_fields if getattr(figures, name) is None} <= excused
    assert figures.rectified_dpi == computed.maps.dpi == DPI
    assert figures.sampled_dpi == pytest.approx(DPI, rel=0.01)
    assert 0.5 < figures.chi2_median < 1.5
    assert figures.registration_px < 0.02
    assert 0.05 < figures.registration_shift_px < 0.3
    assert 0.2 < figures.normal_sigma_deg < 1.0


def test_what_is_not_looked_at_is_said(computed: Computed) -> None:
    said = {entry.what for entry in computed.measurements.not_assessed}
    assert {"corners", "edges", "surface flaws", "grade", "colour"} <= said
    assert ("centering" in said) == (computed.measurements.centering is None)
    assert ("sharpness" in said) == (computed.measurements.quality.mtf50_cy_per_mm is None)
    assert all(entry.why for entry in computed.measurements.not_assessed)


def test_maps_have_the_card_frame_s_size_and_no_holes(computed: Computed) -> None:
    maps = computed.maps
    size = (round(88 * DPI / 25.4), round(63 * DPI / 25.4))
    assert maps.normals.shape == maps.albedo.shape == (*size, 3)
    for values in (maps.height_um, maps.sigma_deg, maps.gloss, maps.valid, maps.clipped, maps.dark):
        assert values.shape == size
    for values in (maps.normals, maps.albedo, maps.height_um, maps.sigma_deg, maps.gloss):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    np.testing.assert_allclose(np.linalg.norm(maps.normals, axis=2), 1, atol=1e-5)
    assert not maps.valid[0, 0]
    assert maps.valid[size[0] // 2, size[1] // 2]


def test_stages_are_told_as_they_begin_and_timed(stack: Stack, profile: LoadedProfile) -> None:
    told: list[str] = []
    found = compute(stack, profile, rectified_dpi=100, progress=told.append)
    assert told == list(found.stages_s)
    assert told[0] == "outline"
    assert all(seconds >= 0 for seconds in found.stages_s.values())
    assert found.maps.valid.shape == (round(88 * 100 / 25.4), round(63 * 100 / 25.4))


def test_no_resolution_is_invented(stack: Stack, profile: LoadedProfile) -> None:
    found = compute(stack, profile, rectified_dpi=1200)
    assert found.maps.dpi == pytest.approx(DPI, rel=0.01)


def test_the_order_of_the_lights_does_not_matter(
    stack: Stack, profile: LoadedProfile, computed: Computed
) -> None:
    order = (5, 2, 7, 0, 1, 4, 6, 3)
    shuffled = replace(stack, lights=tuple(stack.lights[k] for k in order), light_indices=order)
    found = compute(shuffled, profile, rectified_dpi=DPI)
    inside = computed.maps.valid
    assert np.percentile(angle_deg(found.maps.normals, computed.maps.normals)[inside], 99) < 0.1


def test_swapped_lights_show(stack: Stack, profile: LoadedProfile, computed: Computed) -> None:
    lights = (stack.lights[1], stack.lights[0], *stack.lights[2:])
    found = compute(replace(stack, lights=lights), profile, rectified_dpi=DPI)
    assert found.measurements.quality.chi2_median > 3 * computed.measurements.quality.chi2_median


def test_six_lights_do(stack: Stack, profile: LoadedProfile) -> None:
    fewer = replace(stack, lights=stack.lights[:6], light_indices=tuple(range(6)))
    error, _ = errors_deg(compute(fewer, profile, rectified_dpi=DPI), truth(CARD, DPI))
    assert error.mean() < 2.5


def test_deeper_codes_and_another_exposure_give_the_same_card(
    profile: LoadedProfile, computed: Computed
) -> None:
    deep = compute(stack_of(CARD, bit_depth=16), profile, rectified_dpi=DPI)
    dim = compute(stack_of(CARD, exposure_us=EXPOSURE_US // 2), profile, rectified_dpi=DPI)
    inside = computed.maps.valid
    for found in (deep, dim):
        assert np.abs(found.maps.albedo - computed.maps.albedo)[inside].mean() < 0.02
        assert angle_deg(found.maps.normals, computed.maps.normals)[inside].mean() < 1.5
    assert dim.measurements.quality.normal_sigma_deg > 1.2 * computed.measurements.quality.normal_sigma_deg


def test_strobed_lights_are_scaled_by_the_time_they_were_seen(
    profile: LoadedProfile, computed: Computed
) -> None:
    """Also where they differ; and a stack that does not say so gives a darker card."""
    times_us = tuple(10_000 + 300 * light for light in range(8))
    strobed = stack_of(CARD, exposure_us=EXPOSURE_US, on_us=times_us)
    found = compute(strobed, profile, rectified_dpi=DPI)
    inside = computed.maps.valid
    assert np.abs(found.maps.albedo - computed.maps.albedo)[inside].mean() < 0.02
    assert angle_deg(found.maps.normals, computed.maps.normals)[inside].mean() < 1.5
    silent = compute(replace(strobed, on_us=()), profile, rectified_dpi=DPI)
    share = np.median(silent.maps.albedo[inside] / found.maps.albedo[inside])
    assert share == pytest.approx(np.mean(times_us) / EXPOSURE_US, abs=0.03)


def test_what_clips_is_made_good_by_brackets(profile: LoadedProfile) -> None:
    """Exposed two and a half times too long: each light once more for a fifth of the time mends it."""
    long_us = EXPOSURE_US * 5 // 2
    clipped = stack_of(CARD, exposure_us=long_us)
    shorter = stack_of(CARD, exposure_us=long_us, on_us=(long_us // 5,) * 8)
    brackets = tuple(Shorter(k, long_us // 5, frame) for k, frame in enumerate(shorter.lights))
    plain = compute(clipped, profile, rectified_dpi=DPI)
    joined = compute(replace(clipped, brackets=brackets), profile, rectified_dpi=DPI)
    share = [found.measurements.quality.clipped_percent for found in (plain, joined)]
    assert (share[0] or 0) > 20
    assert (share[1] or 0) < 0.5
    errors = [errors_deg(found, truth(CARD, DPI))[0].mean() for found in (plain, joined)]
    assert (
        errors[1] < 0.96 * errors[0]
    )  # what clips is known as such, and left out: less light, not wrong light


def test_a_bracket_of_a_light_that_is_not_there_is_refused(stack: Stack, profile: LoadedProfile) -> None:
    fewer = replace(stack, lights=stack.lights[1:], light_indices=stack.light_indices[1:])
    with pytest.raises(StationError, match="exposure bracket"):
        compute(replace(fewer, brackets=(Shorter(0, 4_000, stack.lights[0]),)), profile, rectified_dpi=DPI)


@pytest.mark.parametrize("on_us", [(15_000,), (15_000,) * 7 + (0,)])
def test_on_times_that_fit_no_stack_are_refused(
    stack: Stack, profile: LoadedProfile, on_us: tuple[int, ...]
) -> None:
    with pytest.raises(StationError) as caught:
        compute(replace(stack, on_us=on_us), profile, rectified_dpi=DPI)
    assert caught.value.code == "stack_unusable"
    assert "on-times" in str(caught.value)


def test_a_bumped_camera_is_made_good(stack: Stack, profile: LoadedProfile, computed: Computed) -> None:
    """Half of the pictures moved by whole pixels, one by a part of one."""
    moved = tuple(
        np.roll(frame, (3, -5), axis=(0, 1)) if k > 3 else frame for k, frame in enumerate(stack.lights)
    )
    found = compute(replace(stack, lights=moved), profile, rectified_dpi=DPI)
    assert found.measurements.quality.registration_shift_px == pytest.approx(5, abs=0.5)
    true, inside = truth(CARD, DPI), computed.maps.valid
    best = min(
        angle_deg(found.maps.normals, np.roll(true.normals, shift, axis=(0, 1)))[inside & true.mask].mean()
        for shift in [(r, c) for r in (0, 1, 2, 3) for c in (-5, -4, -3, -2, -1, 0)]
    )
    assert best < 2.0


def test_a_highlight_that_clips_is_counted(stack: Stack, profile: LoadedProfile, computed: Computed) -> None:
    height, width, _ = stack.ambient.shape
    bright = stack.lights[2].copy()
    bright[height // 2 : height // 2 + 40, width // 2 : width // 2 + 40] = 255
    found = compute(
        replace(stack, lights=(*stack.lights[:2], bright, *stack.lights[3:])), profile, rectified_dpi=DPI
    )
    share = 100 * 1600 / computed.maps.valid.sum()
    assert found.measurements.quality.clipped_percent == pytest.approx(share, rel=0.1)
    spot = found.maps.clipped & found.maps.valid
    assert angle_deg(found.maps.normals, truth(CARD, DPI).normals)[spot].mean() < 2.5
    assert np.median(found.maps.gloss[spot]) > 0.1


def test_a_card_without_print_says_that_motion_was_not_seen(
    stack: Stack, profile: LoadedProfile, computed: Computed
) -> None:
    fitted = profile.scaled(stack.ambient.shape[1], stack.ambient.shape[0])
    camera = fitted.profile.camera
    blank = card_mask(computed.measurements.outline, camera, CARD_THICKNESS_MM, 0.3)
    rows, columns = np.nonzero(blank)
    white = fitted.flat_at(np.column_stack([columns, rows])) * (0.5 / fitted.profile.flat_field.reflectance)
    random = np.random.default_rng(1)
    lights = []
    for frame, light in zip(stack.lights, white, strict=True):
        painted = frame.copy()
        noise = np.sqrt(camera.noise_a * light + camera.noise_b) * random.standard_normal(light.shape)
        painted[blank] = np.round(light + noise + stack.ambient[blank]).clip(0, 255).astype(np.uint8)
        lights.append(painted)
    found = compute(replace(stack, lights=tuple(lights)), profile, rectified_dpi=DPI)
    figures = found.measurements.quality
    assert figures.registration_px is None
    assert figures.registration_shift_px is None
    assert "registration" in {entry.what for entry in found.measurements.not_assessed}
    middle = found.maps.normals[50:-50, 50:-50]
    assert found.maps.valid[50:-50, 50:-50].all()
    assert angle_deg(middle, np.array([0.0, 0.0, 1.0])).mean() < 1.0
    assert found.maps.albedo[50:-50, 50:-50].mean() == pytest.approx(0.5, rel=0.03)


def test_pictures_of_single_lights_in_the_card_frame(
    stack: Stack, profile: LoadedProfile, computed: Computed
) -> None:
    outline = computed.measurements.outline
    frames = rectified_light_frames(stack, profile, outline, DPI)
    assert [frame.shape for frame in frames] == [computed.maps.normals.shape] * 8
    mean = np.mean(frames, axis=0)
    inside = computed.maps.valid
    for channel in range(3):
        together = np.corrcoef(mean[..., channel][inside], computed.maps.albedo[..., channel][inside])
        assert together[0, 1] > 0.95
    across = [
        np.polyfit(np.arange(mean.shape[1]), f[..., 1].mean(axis=0) / mean[..., 1].mean(axis=0), 1)[0]
        for f in frames
    ]
    right = [light.position_mm[0] > 0 for light in profile.profile.lights]
    assert [slope > 0 for slope in across] == right


def with_lights(lights: tuple[Pixels, ...], indices: tuple[int, ...]) -> Callable[[Stack], Stack]:
    return lambda stack: replace(stack, lights=lights, light_indices=indices)


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda s: replace(s, lights=s.lights[:2], light_indices=(0, 1)), "stack_unusable", "2 lit pictures"),
        (lambda s: replace(s, light_indices=(0, 1, 2, 3, 4, 5, 6, 8)), "stack_unusable", "profile knows 8"),
        (
            lambda s: replace(s, light_indices=(0, 1, 2, 3, 4, 5, 6, 6)),
            "stack_unusable",
            "belong to the lights",
        ),
        (lambda s: replace(s, lights=s.lights[:7]), "stack_unusable", "7 lit pictures"),
        (lambda s: replace(s, lights=(s.lights[0][:-1], *s.lights[1:])), "stack_unusable", "differ in size"),
        (lambda s: replace(s, ambient=s.ambient[..., 0]), "stack_unusable", "colour"),
        (lambda s: replace(s, exposure_us=0), "stack_unusable", "exposure"),
        (lambda s: replace(s, lights=(), light_indices=()), "stack_unusable", "lacks"),
        (
            lambda s: replace(s, ambient=s.ambient[:400], lights=tuple(f[:400] for f in s.lights)),
            "profile_invalid",
            "pixels",
        ),
        (lambda s: replace(s, lights=tuple(s.ambient for _ in s.lights)), "card_not_found", ""),
        (lambda s: replace(s, lights=tuple(0 * f + 255 for f in s.lights)), "stack_unusable", "clipp"),
    ],
)
def test_a_stack_that_cannot_be_used_is_refused_in_words(
    stack: Stack, profile: LoadedProfile, spoil: Any, code: str, says: str
) -> None:
    with pytest.raises(StationError, match=says or None) as refused:
        compute(spoil(stack), profile, rectified_dpi=DPI)
    assert refused.value.code == code


def test_an_empty_mat_is_no_card(profile: LoadedProfile) -> None:
    with pytest.raises(StationError) as refused:
        compute(stack_of(None), profile, rectified_dpi=DPI)
    assert refused.value.code == "card_not_found"


def test_a_card_so_bright_that_it_clips_is_refused(
    stack: Stack, profile: LoadedProfile, computed: Computed
) -> None:
    """The outline is there, the inside is all at full scale."""
    camera = profile.scaled(stack.ambient.shape[1], stack.ambient.shape[0]).profile.camera
    card = card_mask(computed.measurements.outline, camera, CARD_THICKNESS_MM, 0.0)
    bright = tuple(np.where(card[..., None], 255, frame).astype(np.uint8) for frame in stack.lights)
    with pytest.raises(StationError, match="clipp") as refused:
        compute(replace(stack, lights=bright), profile, rectified_dpi=DPI)
    assert refused.value.code == "stack_unusable"
