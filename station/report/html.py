"""One self-contained page per scan.

The page needs no network and no other file. Its fragment steers the picture, for programs and for tests:

* `#light=3` lights the card as the rig's light 3 does;
* `&only=card` shows nothing but the card, as large as the window allows, on black;
* `&linear=1` leaves out the sRGB encoding: the picture's values are proportional to the light;
* `&renderer=plain` does without WebGL.

On the root element `data-ready` appears with the first picture and names the renderer (`webgl` or `plain`),
and `data-shown` is the fragment that the picture on the screen obeys.
"""

import base64
import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from string import Template

from . import tables
from .centering import balance, card_size_mm, drawing, frame_mm
from .colour import true_colours
from .facts import ReportFacts
from .maps import ReportMaps, shrink
from .parts import part
from .text import element, moment
from .texture import LOSSLESS, encode_normals, encode_srgb, webp_uri
from .tiles import TILE_LONGEST_PX, Tile, readout_picture, tiles

LONGEST_PX = 1400
"""Longer side of the pictures in the page: keeps a report below 8 MB."""

_ALBEDO_QUALITY = 94
_FRAME_QUALITY = 85
_READOUT = ("height", "sigma", "relief")
_SCRIPTS = (
    "light", "pixels", "transform", "glrenderer", "plainrenderer", "viewer",
    "pointer", "controls", "pad", "overlay", "maps", "main",
)  # fmt: skip

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{script}'"

TWIN_BANNER = "Taken on the digital twin, not on a real card."


def render_report(maps: ReportMaps, summary: ReportFacts, *, longest_px: int = LONGEST_PX) -> bytes:
    """The report of one scan as UTF-8 HTML. The same input gives the same bytes.

    Args:
        maps: of the rectified card; reduced to `longest_px` along the longer side.
        summary: the documents that go with them.
        longest_px: see `maps`.

    Raises:
        ValueError: arrays or lights do not fit together.
    """
    shown = _in_true_colours(shrink(maps.checked(), longest_px), summary)
    small = shrink(shown, TILE_LONGEST_PX)
    tiled = tiles(small)
    script = _script()
    page = Template(part("page.html")).substitute(
        _words(summary, shown, tiled),
        policy=_POLICY.format(script=_hash_source(script)),
        style=part("style.css"),
        shader=part("card.frag.glsl"),
        script=script,
        data=_json(_data(shown, summary, tiled)),
        normals=webp_uri(encode_normals(shown.normals, shown.valid), LOSSLESS),
        albedo=_albedo(shown),
        readout=webp_uri(readout_picture(tiled, _READOUT, small.valid), LOSSLESS),
    )
    return page.encode("utf-8")


def _in_true_colours(maps: ReportMaps, facts: ReportFacts) -> ReportMaps:
    """The albedo as a screen shows it; the stored one stays the camera's."""
    return replace(maps, albedo=true_colours(maps.albedo, facts.colour))


def _words(facts: ReportFacts, maps: ReportMaps, tiled: tuple[Tile, ...]) -> dict[str, str]:
    """Everything readable, as markup in which all foreign text is escaped."""
    made = facts.scan.provenance
    return {
        "title": element("h1", facts.title),
        "page_title": element("title", f"{facts.title}, {facts.scan.side}: scan report"),
        "side": element("span", facts.scan.side.capitalize()),
        "taken": element("span", moment(facts.scan.created)),
        "banner": _banner(facts),
        "warnings": "".join(tables.warning(line) for line in facts.measurements.warnings),
        "key_figures": tables.key_figures(facts.measurements),
        "tiles": "".join(_figure(tile) for tile in tiled),
        "centering": _centering(facts, maps, tiled),
        "gaps": tables.not_assessed(facts.measurements),
        "quality": tables.quality_rows(facts.measurements.quality, maps.dpi),
        "frames": _frames(maps),
        "provenance": tables.provenance(facts),
        "stages": tables.stages(facts.scan.stages_s, facts.stages_s),
        "software": element("span", facts.software or made.software),
        "measured_share": _measured_share(maps),
    }


def _banner(facts: ReportFacts) -> str:
    if not facts.simulated:
        return ""
    note = element("span", facts.truth_note) if facts.truth_note else ""
    return f'<div class="twin" role="note">{element("b", TWIN_BANNER)}{note}</div>'


def _measured_share(maps: ReportMaps) -> str:
    share = float(maps.valid.mean())
    if share == 0:
        nothing = "No pixel of this side could be measured, so there is nothing to light."
        return element("p", nothing, class_="nothing")
    measured = f"{100 * share:.1f} % of the pixels were measured; hatched where not."
    return element("p", measured, class_="muted")


def _figure(tile: Tile) -> str:
    head = f'<div class="head">{element("b", tile.title)}<output></output></div>'
    plate = f'<div class="plate"><img alt="{tile.title}" src="{tile.picture}"><i class="cross"></i></div>'
    caption = f"{head}{tile.legend}{element('p', tile.explanation)}"
    return f'<figure class="tile" data-key="{tile.key}">{plate}<figcaption>{caption}</figcaption></figure>'


def _centering(facts: ReportFacts, maps: ReportMaps, tiled: tuple[Tile, ...]) -> str:
    centering = facts.measurements.centering
    if centering is None:
        why = element("span", tables.why_no_centering(facts.measurements))
        return f'<p class="absent">{element("b", "Not assessed.")} {why}</p>'
    picture = next(tile.picture for tile in tiled if tile.key == "albedo")
    drawn = drawing(centering, card_size_mm(facts.measurements), maps.size_mm, picture)
    note = (
        "Mean width along each side. "
        f"One width is uncertain by ± {centering.sigma_mm:.3f} mm (standard uncertainty)."
    )
    words = balance(centering) + element("p", note, class_="muted")
    return f'<div class="centred">{drawn}<div>{words}</div></div>'


def _frames(maps: ReportMaps) -> str:
    """The pictures as the camera took them, or nothing at all."""
    if not maps.light_frames:
        return ""
    pictures = "".join(
        _frame(k, webp_uri(frame, _FRAME_QUALITY)) for k, frame in enumerate(maps.light_frames)
    )
    words = "What the camera saw. Choose one to light the card above the same way."
    head = f"<h2>Pictures under each light</h2>{element('p', words, class_='lead')}"
    return f'<section id="frames">{head}<div class="frames">{pictures}</div></section>'


def _frame(light: int, picture: str) -> str:
    content = f'<img alt="" src="{picture}">{element("span", f"light {light}")}'
    return f'<button type="button" class="frame" data-light="{light}">{content}</button>'


def _albedo(maps: ReportMaps) -> str:
    picture = encode_srgb(maps.albedo)
    if maps.valid.any():  # a hard edge to black would ring into the measured pixels
        picture[~maps.valid] = picture[maps.valid].mean(axis=0)
    return webp_uri(picture, _ALBEDO_QUALITY)


def _data(maps: ReportMaps, facts: ReportFacts, tiled: tuple[Tile, ...]) -> dict[str, object]:
    """What the scripts need to know besides the pictures."""
    width_mm, height_mm = maps.size_mm
    ranges = {t.key: t.readout for t in tiled if t.readout}
    return {
        "columns": maps.columns, "rows": maps.rows, "widthMm": width_mm, "heightMm": height_mm,
        "lights": facts.lights.as_page_data(),
        "readout": [asdict(ranges[key]) if key in ranges else None for key in _READOUT],
        "borders": _borders(facts),
        "empty": not bool(maps.valid.any()),
    }  # fmt: skip


def _borders(facts: ReportFacts) -> dict[str, object] | None:
    if facts.measurements.centering is None:
        return None
    size = card_size_mm(facts.measurements)
    return {"size": size, "frame": frame_mm(facts.measurements.centering, size)}


@cache
def _script() -> str:
    """All scripts in one closed scope, in the order in which they build on each other."""
    parts = "\n".join(part(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _hash_source(script: str) -> str:
    """The policy's name for exactly this script (CSP level 3, `hash-source`)."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _json(data: dict[str, object]) -> str:
    """JSON that cannot end the script element around it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
