"""The picture: reproducible, physical, and every unkindness in it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from math import cos, radians, sin

import cv2
import numpy as np
import pytest

from station.twin.lights import ring
from station.twin.scene import Scene
from station.twin.sensor import BANDS, Sensor
from station.twin.spec import CardSpec, Unkind
from station.twin.truth import Truth, truth
from station.twin.world import Target

pytestmark = pytest.mark.usefixtures("compiled")
Only = Callable[[int], np.ndarray]
ALL = np.ones(8) / 8
DARK = np.zeros(8)


def _scene(thing: CardSpec | Target | None, dpi: float = 60, seed: int = 1) -> Scene:
    scene = Scene(seed, dpi=dpi)
    scene.place(thing)
    return scene


def _values(scene: Scene, on: np.ndarray, **how: int) -> np.ndarray:
    """16-bit codes over black."""
    return scene.render(on, bit_depth=16, **how).astype(np.float64) - Sensor(16).black_level


def test_same_seed_and_sequence_give_the_same_bytes(only: Only) -> None:
    first, again = _scene(CardSpec(3)), _scene(CardSpec(3))
    for sequence in (0, 7):
        assert (
            first.render(only(2), sequence=sequence).tobytes()
            == again.render(only(2), sequence=sequence).tobytes()
        )


def test_other_sequence_scene_or_card_gives_other_bytes(only: Only) -> None:
    scene = _scene(CardSpec(3))
    picture = scene.render(only(2)).tobytes()
    assert scene.render(only(2), sequence=1).tobytes() != picture
    assert _scene(CardSpec(3), seed=2).render(only(2)).tobytes() != picture
    assert _scene(CardSpec(4)).render(only(2)).tobytes() != picture
    assert _scene(CardSpec(3, "back")).render(only(2)).tobytes() != picture


def test_frames_from_two_threads_are_the_frames_of_one(only: Only) -> None:
    scene = _scene(CardSpec(3))
    wanted = [scene.render(only(k), sequence=k).tobytes() for k in range(8)]
    found: dict[int, bytes] = {}

    def work(lights: range) -> None:
        for k in lights:
            found[k] = scene.render(only(k), sequence=k).tobytes()

    threads = [threading.Thread(target=work, args=(range(start, 8, 2),)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[k] for k in range(8)] == wanted


def test_kind_world_has_no_noise(kind: Unkind, only: Only) -> None:
    scene = _scene(CardSpec(3, unkind=kind))
    assert scene.render(only(0), sequence=1).tobytes() == scene.render(only(0), sequence=2).tobytes()


def test_pictures_are_portrait_rgb_of_the_asked_depth(only: Only) -> None:
    scene = _scene(CardSpec(3), dpi=100)
    assert scene.render(only(0)).shape == (410, 320, 3)
    assert scene.render(only(0)).dtype == np.uint8
    assert scene.render(only(0), bit_depth=16).dtype == np.uint16


def test_dark_frame_is_the_black_level(kind: Unkind) -> None:
    assert np.unique(_scene(CardSpec(3, unkind=kind)).render(DARK)).tolist() == [4]


def test_every_light_brightens_its_own_side_most(kind: Unkind, only: Only) -> None:
    scene = _scene(Target(unkind=kind))
    rows, columns = np.indices((scene.optics.height_px, scene.optics.width_px))
    for k, light in enumerate(ring()):
        values = _values(scene, only(k)).sum(axis=-1)
        lean = np.array([(values * (columns - columns.mean())).sum(), -(values * (rows - rows.mean())).sum()])
        assert (
            lean @ light.position_mm[:2] / np.linalg.norm(lean) / np.linalg.norm(light.position_mm[:2]) > 0.9
        )


def test_light_adds_up_and_grows_with_the_exposure(kind: Unkind, only: Only) -> None:
    scene = _scene(CardSpec(3, unkind=kind))
    both = _values(scene, only(1) / 2 + only(6) / 2)
    np.testing.assert_allclose(_values(scene, only(1)) / 2 + _values(scene, only(6)) / 2, both, atol=2)
    np.testing.assert_allclose(
        _values(scene, only(1), exposure_us=5_000) * 3, _values(scene, only(1)), atol=4
    )


def test_overexposure_clips_at_full_scale(kind: Unkind) -> None:
    scene = _scene(Target(unkind=kind))
    assert (scene.render(ALL, exposure_us=150_000) == 255).all()
    assert (scene.render(ALL, exposure_us=150_000, bit_depth=16) == 65_535).all()


def test_a_full_well_is_full_whatever_the_noise() -> None:
    assert (_scene(Target()).render(ALL, exposure_us=60_000) == 255).all()


def test_white_border_reaches_its_place_in_the_range(kind: Unkind, only: Only) -> None:
    """The brightest light, over the area a card can cover."""
    scene = _scene(Target(reflectance=0.86, unkind=kind))
    picture = np.max([scene.render(only(k)) for k in range(8)], axis=0)
    inset = round(7 / 25.4 * 60)
    assert 0.75 * 255 < picture[inset:-inset, inset:-inset].max() < 0.92 * 255


def test_flat_field_follows_the_inverse_square_law(kind: Unkind, only: Only) -> None:
    """Along the line below a light: cosine on the target, cosine of the lobe, inverse square, vignetting."""
    scene = _scene(Target(unkind=kind), dpi=100)
    for k, light in enumerate(ring()):
        values = _values(scene, only(k)).mean(axis=-1)
        toward = light.position_mm[:2] / np.hypot(*light.position_mm[:2])
        places = np.array([[*(toward * way), 0.3] for way in (-30.0, 0.0, 30.0)])
        way = light.position_mm - places
        distance = np.linalg.norm(way, axis=-1)
        expected = way[:, 2] / distance**3 * (-(way @ light.axis) / distance) ** light.lobe
        pixels = scene.optics.project(places)
        middle = np.array([(scene.optics.width_px - 1) / 2, (scene.optics.height_px - 1) / 2])
        expected *= 1 - 0.10 * ((pixels - middle) ** 2).sum(axis=-1) / ((middle + 0.5) ** 2).sum()
        found = np.array([values[round(y), round(x)] for x, y in pixels])
        np.testing.assert_allclose(found / found[1], expected / expected[1], rtol=0.01)


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_noise_has_the_variance_of_the_model(bit_depth: int, only: Only) -> None:
    unkind = Unkind().without("motion_px_rms", "light_drift")
    scene, sensor = _scene(Target(unkind=unkind), dpi=100), Sensor(bit_depth)
    middle = slice(150, 250), slice(110, 210)
    for share in (0.1, 0.5, 1.0):
        first, second = (
            scene.render(share * only(0), sequence=n, bit_depth=bit_depth)[middle].astype(np.float64)
            for n in (1, 2)
        )
        value = (first + second).mean() / 2 - sensor.black_level
        assert ((first - second) ** 2).mean() / 2 == pytest.approx(
            sensor.noise_a * value + sensor.noise_b, rel=0.05
        )


def test_noise_is_white_in_both_directions_and_between_colours() -> None:
    scene = _scene(Target(unkind=Unkind().without("motion_px_rms", "light_drift")), dpi=100)
    noise = _values(scene, ALL, sequence=1) - _values(scene, ALL, sequence=2)
    for one, other in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[:, 4:], noise[:, :-4]),
        (noise[..., 0], noise[..., 1]),
        (noise[..., 1], noise[..., 2]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01


def test_flat_glossy_card_shows_no_highlight(kind: Unkind, only: Only) -> None:
    """A mirroring lobe would stand out by tens of codes; what the coat adds here is a veil."""
    matte = CardSpec(3, bow_mm=0, twist_mm=0, unkind=kind)
    glossy = replace(matte, unkind=replace(kind, gloss=1.0))
    shining, dull = _scene(glossy), _scene(matte)
    for k in range(8):
        added = shining.render(only(k)).astype(int) - dull.render(only(k)).astype(int)
        assert added.max() <= 8
        assert added.min() >= -8
        assert added.any()


@pytest.fixture(scope="module")
def plain_card() -> Scene:
    return _scene(CardSpec(3, bow_mm=0.1, unkind=Unkind.kind()), dpi=100)


@pytest.mark.parametrize(
    "element",
    [
        "motion_px_rms", "relief_um_rms", "ink_step_um", "light_drift", "text_contrast", "thickness_mm",
        "offset_mm", "turn_deg", "gloss", "shot_noise", "read_noise", "ambient", "scratches", "dents",
        "print_lines", "edge_wear", "corner_wear",
    ],
)  # fmt: skip
def test_every_default_unkindness_shows(element: str, kind: Unkind, only: Only, plain_card: Scene) -> None:
    value = getattr(Unkind(), element)
    assert value
    spec = CardSpec(3, bow_mm=0.1, unkind=kind)
    plain = plain_card.render(only(1), bit_depth=16)
    unkind = _scene(replace(spec, unkind=replace(kind, **{element: value})), dpi=100)
    assert unkind.render(only(1), bit_depth=16).tobytes() != plain.tobytes()


@pytest.mark.parametrize("change", [{"foil": True}, {"creases": 1}, {"stains": 1}])
def test_every_further_element_shows(change: dict[str, int], kind: Unkind, only: Only) -> None:
    spec = CardSpec(3, unkind=kind)
    plain = _values(_scene(spec), only(1))
    other = _values(_scene(replace(spec, unkind=replace(kind, **change))), only(1))
    assert np.abs(other - plain).max() > 500


def test_foil_changes_its_colour_from_light_to_light(kind: Unkind, only: Only) -> None:
    spec = CardSpec(3, unkind=replace(kind, foil=True))
    scene = _scene(spec)
    column, row = scene.optics.project(np.array([0.0, 20.0, 0.0])).round().astype(int)
    window = slice(row - 10, row + 10), slice(column - 10, column + 10)
    hues = [_values(scene, only(k))[window].mean(axis=(0, 1)) for k in range(8)]
    shares = np.array([hue / hue.sum() for hue in hues])
    assert np.ptp(shares, axis=0).max() > 0.1


def test_motion_shifts_the_picture_by_the_asked_amount(kind: Unkind) -> None:
    scene = _scene(CardSpec(3, unkind=replace(kind, motion_px_rms=0.3)), dpi=100)
    still = _values(_scene(CardSpec(3, unkind=kind), dpi=100), ALL)[..., 1]
    down, across = np.gradient(still)
    slopes = np.column_stack((across.ravel(), down.ravel()))
    shifts = []
    for sequence in range(12):
        change = (_values(scene, ALL, sequence=sequence)[..., 1] - still).ravel()
        shifts.append(np.linalg.lstsq(slopes, -change, rcond=None)[0])
    assert 0.15 < np.std(shifts) < 0.45


def test_drift_changes_the_light_by_the_asked_amount(kind: Unkind, only: Only) -> None:
    scene = _scene(Target(unkind=replace(kind, light_drift=0.01)))
    means = [_values(scene, only(0), sequence=n).mean() for n in range(40)]
    assert 0.006 < np.std(means) / np.mean(means) < 0.014


def test_rolling_shutter_lights_the_rows_that_were_exposed(kind: Unkind) -> None:
    on = np.zeros((BANDS, 8))
    on[3 * BANDS // 8 : 4 * BANDS // 8, 0] = 1
    values = _values(_scene(Target(unkind=kind)), on).mean(axis=(1, 2))
    rows = len(values)
    assert (values[rows * 3 // 8 + 2 : rows * 4 // 8 - 2] > 1000).all()
    assert (values[: rows * 3 // 8 - 2] == 0).all()
    assert (values[rows * 4 // 8 + 2 :] == 0).all()


def _card_to_pixels(scene: Scene, real: Truth, places: np.ndarray) -> np.ndarray:
    a = radians(real.pose.rotation_deg)
    turned = places @ np.array([[cos(a), sin(a)], [-sin(a), cos(a)]]) + (real.pose.x_mm, real.pose.y_mm)
    return scene.optics.project(
        np.concatenate((turned, np.full((*turned.shape[:-1], 1), real.face_mm)), axis=-1)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_card_lies_where_the_truth_says_and_its_borders_show(seed: int, kind: Unkind) -> None:
    spec = CardSpec(
        seed, bow_mm=0, twist_mm=0, unkind=replace(kind, offset_mm=3, turn_deg=2, thickness_mm=0.3)
    )
    scene, real = _scene(spec, dpi=200), truth(spec, 200)
    step = 0.02
    x = np.arange(-33, 33, step)
    pixels = _card_to_pixels(scene, real, np.column_stack((x, np.full_like(x, 1.0)))).astype(np.float32)
    picture = _values(scene, ALL).astype(np.float32)
    profile = cv2.remap(picture, pixels[None, :, 0], pixels[None, :, 1], cv2.INTER_LINEAR)[0]
    border = profile[np.abs(x + real.width_mm / 2 - 1.0).argmin()]
    cut = x[np.flatnonzero(profile.sum(axis=-1) > border.sum() / 2)[0]]
    assert cut == pytest.approx(-real.width_mm / 2, abs=0.06)
    inside = x > -real.width_mm / 2 + 0.4
    apart = np.abs(profile / border - 1).max(axis=-1)
    print_starts = x[inside][np.flatnonzero(apart[inside] > 0.1)[0]]
    assert print_starts - cut == pytest.approx(real.borders.left_mm, abs=0.15)


def test_light_by_light_the_picture_carries_the_normals_of_the_truth(kind: Unkind, only: Only) -> None:
    """Least squares on intensities over the white target's, in the true directions, finds bow and dents."""
    spec = CardSpec(
        3, bow_mm=0.3, twist_mm=0.1, unkind=replace(kind, offset_mm=3, turn_deg=2, thickness_mm=0.3, dents=4)
    )
    real, dpi = truth(spec, 100), 100
    card, white = _scene(spec, dpi=dpi), _scene(Target(unkind=kind), dpi=dpi)
    rows, columns = real.mask.shape
    x, y = np.meshgrid(
        (np.arange(columns) + 0.5) * 25.4 / dpi - 31.5, 44 - (np.arange(rows) + 0.5) * 25.4 / dpi
    )
    pixels = _card_to_pixels(card, real, np.stack((x, y), axis=-1)).astype(np.float32)
    place = np.concatenate(
        (card.optics.on_height(pixels, real.face_mm), np.full((rows, columns, 1), real.face_mm)), axis=-1
    )
    towards, shares = [], []
    for k, light in enumerate(ring()):
        ratio = np.mean(_values(card, only(k)) / _values(white, only(k)), axis=-1)
        way = light.position_mm - place
        towards.append(way / np.linalg.norm(way, axis=-1, keepdims=True))
        shares.append(cv2.remap(ratio, pixels[..., 0], pixels[..., 1], cv2.INTER_CUBIC) * towards[-1][..., 2])
    found = np.einsum("hwkj,hwj->hwk", np.linalg.pinv(np.stack(towards, axis=-2)), np.stack(shares, axis=-1))
    a = radians(real.pose.rotation_deg)
    found = found @ np.array([[cos(a), -sin(a), 0], [sin(a), cos(a), 0], [0, 0, 1]])
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    inside = cv2.erode(real.mask.astype(np.uint8), np.ones((5, 5))) > 0
    errors = np.rad2deg(np.arccos(np.clip(np.sum(found * real.normals, axis=-1), -1, 1)))[inside]
    tilts = np.rad2deg(np.arccos(real.normals[..., 2]))[inside]
    assert errors.mean() < 0.08
    assert errors.mean() < 0.25 * tilts.mean()


def test_removed_card_leaves_the_mat_darker_than_any_border() -> None:
    scene = _scene(CardSpec(1))
    with_card = scene.render(ALL).mean()
    scene.remove()
    assert scene.current is None
    mat = scene.render(ALL).astype(np.float64)
    assert mat.mean() < with_card / 2
    assert np.percentile(mat, 99) < 30
    assert mat.std() > 0.5  # it has a grain


def test_frame_of_an_earlier_world_shows_what_lay_there_then(only: Only) -> None:
    scene = _scene(CardSpec(3))
    then, picture = scene.world, scene.render(only(0))
    scene.remove()
    assert scene.render(only(0), world=then).tobytes() == picture.tobytes()


@pytest.mark.parametrize(("on", "bit_depth"), [(np.zeros(7), 8), (np.zeros(8), 12)])
def test_other_numbers_of_lights_and_bits_are_refused(on: np.ndarray, bit_depth: int) -> None:
    with pytest.raises(ValueError, match="the twin has 8 lights"):
        _scene(None).render(on, bit_depth=bit_depth)
