"""The page as text: complete, self-contained, safe, and true to its documents."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.documents.profile import UNIT_MATRIX
from station.documents.scan import Centering, Measurements, NotAssessed, Quality
from station.report.centering import share_sigma_percent
from station.report.colour import true_colours
from station.report.facts import CardLights
from station.report.html import TWIN_BANNER, render_report
from station.report.maps import shrink
from station.report.texture import LOSSLESS, decode_normals, encode_normals, webp_uri
from tests.report.elements import Elements


def page_data(page: bytes) -> dict[str, Any]:
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_nothing_comes_from_outside(card: Any) -> None:
    page = render_report(card.maps, card.facts)
    addresses = [
        value for _, attributes in Elements(page).found
        for name, value in attributes.items() if name in {"src", "href", "srcset", "action", "data", "poster"}
    ]  # fmt: skip
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(rb"@import|url\((?!data:)|fetch\(|XMLHttpRequest|import\(", page)


def test_the_policy_forbids_every_other_source_and_every_other_script(card: Any) -> None:
    elements = Elements(render_report(card.maps, card.facts))
    policy = next(
        a["content"] for tag, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_the_same_input_gives_the_same_bytes(card: Any) -> None:
    assert render_report(card.maps, card.facts) == render_report(card.maps, card.facts)


def test_a_full_size_card_stays_below_eight_megabytes(card: Any, enlarge: Any) -> None:
    """Noise does not compress, and half a degree from pixel to pixel is more than a good rig has."""
    page = render_report(enlarge(card.maps, dpi=600, noise_deg=0.5), card.facts)
    assert page_data(page)["rows"] == 1400
    assert len(page) < 8_000_000


def test_hostile_names_are_only_text(card: Any) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&$title'
    made = card.facts.scan.provenance.replace(camera=evil, software=evil)
    scan = card.facts.scan.replace(name=evil, provenance=made, created=evil, stages_s={evil: 1.0})
    gaps = (NotAssessed(what=evil, why=evil),)
    facts = replace(
        card.facts,
        scan=scan,
        measurements=Measurements(not_assessed=gaps),
        truth_note=evil,
        software=evil,
        profile=evil,
    )
    tame, wild = Elements(render_report(card.maps, card.facts)), Elements(render_report(card.maps, facts))
    assert not any("onerror" in attributes for _, attributes in wild.found)
    assert [tag for tag, _ in wild.found].count("script") == [tag for tag, _ in tame.found].count("script")
    assert evil in wild.text


def test_a_simulated_scan_says_so_and_a_real_one_does_not(card: Any) -> None:
    real = card.facts.scan.replace(provenance=card.facts.scan.provenance.replace(simulated=False))
    assert TWIN_BANNER in Elements(render_report(card.maps, card.facts)).words
    assert (
        "twin"
        not in Elements(render_report(card.maps, replace(card.facts, scan=real, truth_note=None))).words
    )


def test_figures_are_those_of_the_documents(card: Any) -> None:
    words = Elements(render_report(card.maps, card.facts)).words
    figures = (
        "53.4 / 46.6", "48.3 / 51.7", "3.16 mm", "± 0.018 mm", "62.92 × 87.95 mm", "418 dpi", "0.042 px",

        "4.6 cycles/mm", "0.0021 1/mm", "22 November 2026, 14:03 UTC", "9f2c" * 16, "4.72 s",
    )  # fmt: skip
    assert [figure for figure in figures if figure not in words] == []


def test_warnings_stand_before_the_figures(card: Any) -> None:
    sharpens = "The camera sharpens <its> pictures."
    measured = card.facts.measurements.replace(warnings=(sharpens, "Calibrate anew."))
    words = Elements(render_report(card.maps, replace(card.facts, measurements=measured))).words
    assert words.index(sharpens) < words.index("Calibrate anew.") < words.index("53.4 / 46.6")


def test_what_was_not_measured_is_said_in_words(card: Any) -> None:
    gaps = (NotAssessed(what="Centering", why="The print has no frame."),)
    facts = replace(card.facts, measurements=Measurements(not_assessed=gaps, quality=Quality()))
    page = render_report(card.maps, facts)
    words = Elements(page).words
    assert "Not assessed. The print has no frame." in words
    assert words.count("not measured") >= 12
    assert not re.search(r"\bnan\b", words, re.IGNORECASE)
    assert page_data(page)["borders"] is None


def test_a_missing_reason_is_not_passed_over(card: Any) -> None:
    facts = replace(card.facts, measurements=Measurements())
    assert Elements(render_report(card.maps, facts)).words.count("No reason was recorded.") == 2


def test_no_grade_and_no_grader_is_named(card: Any) -> None:
    words = Elements(render_report(card.maps, card.facts)).words
    assert "It gives no grade." in words
    assert not re.search(r"\b(PSA|BGS|CGC|SGC|TAG|gem mint|pristine)\b", words, re.IGNORECASE)


def test_maps_that_were_not_computed_have_no_tile(card: Any) -> None:
    both = render_report(card.maps, card.facts)
    neither = render_report(replace(card.maps, gloss=None, residual=None, light_frames=()), card.facts)
    assert b'data-key="gloss"' in both
    assert b'data-key="residual"' in both
    assert b'data-key="gloss"' not in neither
    assert b'data-key="residual"' not in neither
    assert b'id="frames"' not in neither


def test_a_side_without_one_measured_pixel_still_has_a_report(card: Any) -> None:
    empty = np.full_like(card.maps.height_um, np.nan)
    maps = replace(
        card.maps, valid=np.zeros_like(card.maps.valid), height_um=empty, sigma_deg=empty,
        normals=np.full_like(card.maps.normals, np.nan), albedo=np.full_like(card.maps.albedo, np.nan),
    )  # fmt: skip
    page = render_report(maps, card.facts)
    assert "No pixel of this side could be measured" in Elements(page).words
    assert page_data(page)["empty"] is True


def test_pixels_that_are_not_finite_count_as_not_measured(card: Any) -> None:
    normals = card.maps.normals.copy()
    normals[40:60, 40:60] = np.nan
    checked = replace(card.maps, normals=normals).checked()
    assert not checked.valid[40:60, 40:60].any()
    assert np.array_equal(checked.valid[100:], card.maps.valid[100:])


@pytest.mark.parametrize("name", ["normals", "albedo", "height_um", "sigma_deg", "gloss"])
def test_arrays_of_another_size_are_refused(card: Any, name: str) -> None:
    cut = getattr(card.maps, name)[:-1]
    with pytest.raises(ValueError, match=name):
        render_report(replace(card.maps, **{name: cut}), card.facts)


def test_lights_that_do_not_belong_together_are_refused(card: Any) -> None:
    lights = CardLights(np.zeros((8, 3)), np.ones((7, 3)))
    with pytest.raises(ValueError, match="lights need"):
        render_report(card.maps, replace(card.facts, lights=lights))


def test_lights_without_axes_look_at_the_card(card: Any) -> None:
    data = CardLights(np.array([[0.0, 30.0, 40.0]]), np.ones((1, 3))).as_page_data()
    assert data[0]["axis"] == pytest.approx([0.0, -0.6, -0.8])
    assert data[0]["lobe"] == 0


def test_normals_survive_their_encoding() -> None:
    rng = np.random.default_rng(3)
    tilt, azimuth = (
        np.radians(rng.choice([0.05, 0.3, 5.0, 60.0], (64, 64))),
        rng.uniform(0, 2 * np.pi, (64, 64)),
    )
    normals = np.dstack(
        [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)]
    ).astype(np.float32)
    valid = rng.random((64, 64)) > 0.1
    read, measured = decode_normals(encode_normals(normals, valid))
    off_deg = np.degrees(np.linalg.norm(read - normals, axis=2))  # a chord is its angle when it is this short
    assert np.array_equal(measured, valid)
    for angle, bound_deg in ((0.05, 0.02), (0.3, 0.02), (5.0, 0.06), (60.0, 0.4)):
        assert off_deg[valid & (np.abs(tilt - np.radians(angle)) < 1e-9)].max() < bound_deg


def test_lossless_pictures_are_lossless(decode_uri: Any) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    assert np.array_equal(decode_uri(webp_uri(picture, LOSSLESS)), picture)


def test_shrinking_ignores_what_was_not_measured(card: Any) -> None:
    dirty = card.maps.height_um.copy()
    hole = np.zeros_like(card.maps.valid)
    hole[100:140, 100:140] = True
    dirty[hole] = 1e9
    small = shrink(replace(card.maps, height_um=dirty, valid=card.maps.valid & ~hole), 150)
    assert max(small.valid.shape) == 150
    assert np.nanmax(small.height_um) < 1e4
    assert np.allclose(np.linalg.norm(small.normals[small.valid], axis=1), 1, atol=1e-5)
    assert small.size_mm[1] == pytest.approx(card.maps.size_mm[1])


def test_the_uncertainty_of_a_ratio_agrees_with_drawing_lots() -> None:
    rng = np.random.default_rng(11)
    left, right = 3.2 + 0.05 * rng.normal(size=200_000), 2.1 + 0.05 * rng.normal(size=200_000)
    assert share_sigma_percent(3.2, 2.1, 0.05) == pytest.approx(np.std(100 * left / (left + right)), rel=0.02)


def test_borders_in_the_page_are_where_the_widths_say(card: Any) -> None:
    borders = page_data(render_report(card.maps, card.facts))["borders"]
    left, top, right, bottom = borders["frame"]
    width, height = borders["size"]
    measured = card.facts.measurements.centering
    assert isinstance(measured, Centering)
    assert (left + width / 2, height / 2 - top) == pytest.approx((measured.left_mm, measured.top_mm))
    assert (width / 2 - right, bottom + height / 2) == pytest.approx((measured.right_mm, measured.bottom_mm))


def test_a_card_without_a_name_is_called_by_the_end_of_its_identity(card: Any) -> None:
    facts = replace(
        card.facts, scan=card.facts.scan.replace(name="  ", card_id="0192f3a7aa017000a1b2c3d4e5f60718")
    )
    assert "Card e5f60718" in Elements(render_report(card.maps, facts)).words


def test_colours_of_the_profile_reach_the_page_and_the_identity_changes_nothing(card: Any) -> None:
    plain = render_report(card.maps, card.facts)
    assert render_report(card.maps, replace(card.facts, colour=UNIT_MATRIX)) == plain
    swapped = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    red_for_blue = replace(card.maps, albedo=np.ascontiguousarray(card.maps.albedo[..., ::-1]))
    assert render_report(card.maps, replace(card.facts, colour=swapped)) == render_report(
        red_for_blue, card.facts
    )


def test_true_colours_are_a_matrix_and_never_negative() -> None:
    matrix = ((1.5, -0.5, 0.0), (0.0, 1.0, 0.0), (0.0, -0.25, 1.25))
    linear = np.array([[[0.2, 0.4, 0.4], [0.1, 0.9, 0.1], [np.nan, 0.1, 0.1]]], np.float32)
    shown = true_colours(linear, matrix)
    assert shown[0, 0] == pytest.approx([0.1, 0.4, 0.4])
    assert shown[0, 1] == pytest.approx([0.0, 0.9, 0.0])
    assert np.isnan(shown[0, 2]).any()
    assert true_colours(linear, UNIT_MATRIX) is linear
    grey = np.full((2, 2, 3), 0.3, np.float32)
    assert true_colours(grey, matrix) == pytest.approx(grey)
