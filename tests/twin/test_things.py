"""Cards turned, nudged, copied, sleeved and two at once, and a hand over them."""

from dataclasses import replace
from math import cos, radians, sin

import cv2
import numpy as np
import pytest

from station.twin.design import design
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from station.twin.things import Edge, Hand, Pair, Thing
from station.twin.truth import truth

pytestmark = pytest.mark.usefixtures("compiled")
DPI = 60
ALL = np.full(8, 0.2)
PLAIN = Unkind.kind()
SLEEVED = replace(PLAIN, sleeve=True)


def picture(thing: Thing, on: np.ndarray = ALL, dpi: float = DPI) -> np.ndarray:
    scene = Scene(dpi=dpi)
    scene.place(thing)
    return scene.render(on).astype(np.float32)


def pixel_of(scene: Scene, spec: CardSpec, x_mm: float, y_mm: float) -> tuple[int, int]:
    """Row and column at which a place of a card is seen."""
    pose = design(spec).pose
    c, s = cos(radians(pose.rotation_deg)), sin(radians(pose.rotation_deg))
    place = [pose.x_mm + c * x_mm - s * y_mm, pose.y_mm + s * x_mm + c * y_mm, 0.3]
    column, row = scene.optics.project(np.array(place))
    return round(row), round(column)


def test_a_card_upside_down_shows_the_same_turned_by_half_a_turn() -> None:
    upright, turned = CardSpec(3, unkind=PLAIN), CardSpec(3, unkind=PLAIN, turned=True)
    scene, first, second = Scene(dpi=DPI), picture(upright), picture(turned)
    x, y = np.meshgrid(np.linspace(-26, 26, 27), np.linspace(-38, 38, 39))
    values = [
        np.array([shown[pixel_of(scene, spec, *place)] for place in zip(x.flat, y.flat, strict=True)])
        for shown, spec in ((first, upright), (second, turned))
    ]
    assert np.corrcoef(values[0].ravel(), values[1].ravel())[0, 1] > 0.9
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.8
    assert truth(upright, 50).albedo.tobytes() == truth(turned, 50).albedo.tobytes()


def test_a_nudged_card_is_moved_by_so_much() -> None:
    spec = CardSpec(3, unkind=PLAIN)
    before, after = (picture(card)[..., 1] for card in (spec, replace(spec, nudge=(3.0, -2.0, 0.0))))
    (x, y), _ = cv2.phaseCorrelate(before, after)
    assert (x * 25.4 / DPI, y * 25.4 / DPI) == pytest.approx((3.0, 2.0), abs=0.15)
    pose = design(replace(spec, nudge=(1.0, 2.0, 3.0))).pose
    assert (pose.x_mm, pose.y_mm, pose.rotation_deg) == (1.0, 2.0, 3.0)


def test_another_copy_has_the_same_print_cut_worn_bent_and_put_down_differently() -> None:
    first, copy = CardSpec(7), CardSpec(7, copy=1)
    one, other = truth(first, 60), truth(copy, 60)
    assert (one.pose, one.borders, one.flaws, one.face_mm) != (
        other.pose,
        other.borders,
        other.flaws,
        other.face_mm,
    )
    assert one.borders.left_mm != other.borders.left_mm
    frames = [t.width_mm - t.borders.left_mm - t.borders.right_mm for t in (one, other)]
    assert frames[0] == pytest.approx(frames[1])
    shift = (one.borders.left_mm - one.width_mm / 2) - (other.borders.left_mm - other.width_mm / 2)
    assert abs(shift) < 1.5
    inner = slice(20, -20), slice(20, -20)
    assert np.corrcoef(one.albedo[inner].ravel(), other.albedo[inner].ravel())[0, 1] > 0.8
    stranger = truth(CardSpec(8), 60).albedo
    assert np.corrcoef(one.albedo[inner].ravel(), stranger[inner].ravel())[0, 1] < 0.6
    back = replace(copy, side="back")
    assert design(back).body.width_mm == design(copy).body.width_mm
    assert truth(replace(copy, copy=2), 60).borders != other.borders


def test_a_sleeve_sticks_out_of_the_card_and_veils_it() -> None:
    scene, spec = Scene(dpi=DPI), CardSpec(3, unkind=PLAIN)
    bare, veiled = picture(spec), picture(replace(spec, unkind=SLEEVED))
    for x, y in ((-32.6, 10.0), (32.6, -20.0), (5.0, 46.5)):
        at = pixel_of(scene, spec, x, y)
        assert veiled[at].mean() > 1.2 * bare[at].mean()
    beyond = pixel_of(scene, spec, 36.0, 0.0)
    assert veiled[beyond].mean() == pytest.approx(bare[beyond].mean(), abs=1)
    border = pixel_of(scene, spec, -30.0, 0.0)
    assert np.ptp(veiled[border]) < 0.95 * np.ptp(bare[border])  # colours are paler


def test_a_sleeve_mirrors_each_light_at_other_places_and_so_brightly_that_the_camera_clips() -> None:
    spec = CardSpec(5, unkind=PLAIN)
    glints = []
    for light in range(0, 8, 2):
        on = np.eye(8)[light]
        added = picture(replace(spec, unkind=SLEEVED), on, 100) - picture(spec, on, 100)
        glints.append(added.max(axis=-1) > 40)
    assert all(20 < glint.sum() < 0.02 * glint.size for glint in glints)
    for k, one in enumerate(glints):
        for other in glints[:k]:
            assert (one & other).sum() < 0.5 * min(one.sum(), other.sum())
    assert (picture(replace(spec, unkind=SLEEVED), np.eye(8)[4], 100) == 255).sum() > 20


def test_of_two_cards_the_upper_one_is_seen_where_they_overlap() -> None:
    below, above = CardSpec(3, unkind=PLAIN), CardSpec(4, unkind=PLAIN)
    pair = Pair.of(below, above, (20.0, 10.0, 5.0))
    both, lower, upper = picture(pair), picture(below), picture(pair.above)
    scene = Scene(dpi=DPI)
    overlap, alone = pixel_of(scene, pair.above, 0, 0), pixel_of(scene, below, -29.5, -35)
    np.testing.assert_allclose(both[overlap], upper[overlap], atol=4)
    np.testing.assert_allclose(both[alone], lower[alone], atol=1)
    assert both.mean() > lower.mean()
    sleeved = replace(pair, above=replace(pair.above, unkind=SLEEVED))
    assert (picture(sleeved).max(axis=-1) > both.max(axis=-1) + 40).any()


@pytest.mark.parametrize("edge", ["bottom", "left", "right", "top"])
def test_a_hand_comes_in_over_its_edge_and_covers_more_and_more(edge: Edge) -> None:
    card = CardSpec(3, unkind=PLAIN)
    bare = picture(card)
    changed = [(np.abs(picture(Hand(card, phase, edge, 2)) - bare) > 2).any(axis=-1) for phase in (0, 0.5, 1)]
    shares = [mask.mean() for mask in changed]
    assert shares[0] == 0
    assert 0.1 < shares[2] < 0.45
    assert shares[1] < 0.7 * shares[2]
    rows, columns = np.nonzero(changed[2])
    far = {"bottom": len(bare) - 1 - rows, "top": rows, "left": columns, "right": bare.shape[1] - 1 - columns}
    assert far[edge].min() == 0
    assert far[edge].max() < 0.75 * (len(bare) if edge in ("bottom", "top") else bare.shape[1])


def test_a_hand_is_dark_and_hides_what_a_sleeve_mirrors() -> None:
    spec = CardSpec(5, unkind=SLEEVED)
    on = np.eye(8)[5]
    free, beneath = picture(spec, on, 100), picture(Hand(spec, 1.0), on, 100)
    covered = np.abs(picture(Hand(None, 1.0), ALL, 100) - picture(None, ALL, 100)).max(axis=-1) > 6
    inner = cv2.erode(covered.astype(np.uint8), np.ones((7, 7))) > 0
    assert free[inner].max() > 200
    assert beneath[inner].max() < 100
    np.testing.assert_array_equal(beneath[:100], free[:100])


def test_what_lies_beneath_a_hand_is_not_drawn_anew() -> None:
    scene, card = Scene(dpi=50), CardSpec(3)
    scene.place(card)
    free = scene.world
    before = scene.render(ALL).tobytes()
    for phase in (0.3, 0.8):
        scene.place(Hand(card, phase))
        assert scene.world.over(card) is free
    scene.place(card)
    assert scene.world is free
    assert scene.render(ALL).tobytes() == before
    scene.place(Hand(None, 0.5))
    assert scene.world.over(card) is None


def test_a_movement_beyond_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Hand(None, 1.5)
