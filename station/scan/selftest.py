"""Does each light burn where the profile says? Coarse pictures in, a verdict out; no device, no clock.

Each light is looked at lit and dark again. What a light adds to the dark picture before it is held against
the flat field of every light, so the picture's own reflectance does not matter: an
empty mat will do, and so will any card. The bounds were chosen from the twin: `tests/scan/test_selftest.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..camera.matcher import BRIGHTNESS, FEWEST, LEAST_CORRELATION, Fingerprint, verify_stack
from ..documents.rig import Finding, FindingKind, LightState, LightVerdict, SelftestReport
from ..photometric.stack import CLIP_SHARE
from .places import places_of

Floats = NDArray[np.float32]

FAINTEST = 0.004
"""Share of the full scale: a light that adds less, on average over the picture, was not seen."""
DEAD = 0.1
"""Share of the brightest light's brightness, each against its flat field, below which a light is dead."""
STAYS_ON = 0.3
"""Share of a middling light's brightness that is left when all lights are off."""
NOT_DARK = 0.25
"""The same for a brightness that is not of one light's pattern. A shaded rig has 0.01."""
TOO_MANY_CLIPPED = 0.2
"""Share of such cells under a light."""
_NEXT: dict[FindingKind, str] = {
    "camera_blind": "Take the lens cap off, point the camera at the mat, check the lights' supply.",
    "overexposed": "Lower `scan.exposure_us` or close the iris, then test again.",
    "not_dark": "Shade the rig, or switch the room's light off, then test again.",
    "stays_on": "Unplug that light until its driver is mended: look for a short or a lost pull-down.",
    "dead": "Check LED, plug and driver; swap its plug with a neighbour's to see which of them is dead.",
    "weak": "Clean the LED, check plug and series resistor; if it is meant to be so, calibrate again.",
    "bright": "Check the series resistor, and for a second LED on its driver; or calibrate again.",
    "swapped": "Swap the plugs of the two lights, or calibrate again.",
    "misplaced": "Compare the wiring with firmware/WIRING.md, or calibrate again.",
    "unclear": "See that nothing shades the mat or moves and the LED points at the mat; then test again.",
    "too_few": "Mend the lights named above first; with three that burn, places can be told apart.",
}


@dataclass(frozen=True, slots=True)
class Looks:
    """Coarse pictures (rows, columns) in codes: one with all lights off, then each light lit, then off."""

    before: Floats
    lit: tuple[Floats, ...]
    after: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Of the codes: black level and highest code."""

    black: float
    full: float


def judge(looks: Looks, flat: Floats, scale: Scale) -> SelftestReport:
    """What is wrong with the lights, if anything is.

    Args:
        looks: one lit and one dark picture for each light of the profile, in order.
        flat: (lights, rows, columns), `coarse_flat` of the profile, in codes of the exposure used.
        scale: of the codes.
    """
    added = _added(looks)
    shares = added.mean(axis=(1, 2)) / flat.mean(axis=(1, 2))
    dead = (shares < DEAD * shares.max()) | (added.mean(axis=(1, 2)) < FAINTEST * scale.full)
    if dead.all():
        return _blind(len(flat), _always_on(looks, np.ones_like(looks.before), flat, scale, None))
    usual = float(np.median(added.mean(axis=(1, 2))[~dead]))
    constant = _always_on(looks, _reflectance(added[~dead], flat[~dead]), flat, scale, usual)
    staying = tuple(sorted({*constant, *_staying(looks, usual)}))
    ambient = float(np.maximum(looks.before - scale.black, 0).mean() / usual)
    lights = _verdicts(added, flat, dead, staying)
    findings = (
        *_of_the_picture(looks, scale, 0.0 if constant else ambient),
        *_of_the_lights(lights, staying),
    )
    return SelftestReport(
        passed=not findings,
        lights=lights,
        findings=findings,
        ambient_percent=100 * ambient,
        target_percent=float(100 * np.median(shares[~dead])),
    )


def _added(looks: Looks) -> Floats:
    """What each light adds to the dark picture before it: (lights, rows, columns)."""
    dark = (looks.before, *looks.after[:-1])
    return np.stack([lit - before for lit, before in zip(looks.lit, dark, strict=True)])


def _reflectance(added: Floats, flat: Floats) -> Floats:
    """Of the picture, against the calibration target: the median over the lights that burn."""
    return np.asarray(np.median(np.maximum(added, 0.1) / flat, axis=0), np.float32)


def _staying(looks: Looks, usual: float) -> Iterator[int]:
    """Lights after whose turn the picture stays brighter than it was before."""
    dark = looks.before
    for light, after in enumerate(looks.after):
        if float((after - dark).mean()) > STAYS_ON * usual:
            yield light
        dark = after


def _always_on(
    looks: Looks, reflectance: Floats, flat: Floats, scale: Scale, usual: float | None
) -> tuple[int, ...]:
    """The light whose pattern the picture has although all are off from the beginning."""
    left = looks.before - scale.black
    if float(left.mean()) < (FAINTEST * scale.full if usual is None else STAYS_ON * usual):
        return ()
    common = np.log(flat).mean(axis=0)
    ours = _standard(np.log(np.maximum(left, 0.1)) - np.log(reflectance) - common)
    fits = [float((ours * _standard(np.log(one) - common)).sum()) for one in flat]
    best = int(np.argmax(fits))
    return (best,) if fits[best] >= LEAST_CORRELATION else ()


def _standard(cells: Floats) -> Floats:
    centred = cells - cells.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9), np.float32)


def _verdicts(
    added: Floats, flat: Floats, dead: NDArray[np.bool_], staying: Sequence[int]
) -> tuple[LightVerdict, ...]:
    alive = [int(light) for light in np.flatnonzero(~dead)]
    places = dict(zip(alive, places_of(added[alive], alive, flat), strict=True))
    shown = {places[light]: light for light in alive} | {k: k for k in alive if places[k] == k}
    seen = [light for light in alive if shown[places[light]] == light]  # one picture for each place
    prints: dict[int, Fingerprint] = {}
    if len(seen) >= FEWEST:
        patterns = flat[[places[light] for light in seen]]
        found = verify_stack(np.zeros_like(added[0]), list(added[seen]), patterns)
        prints = dict(zip(seen, found, strict=True))
    return tuple(
        _dark(light, staying) if dead[light] else _lit(light, places[light], prints, len(seen))
        for light in range(len(flat))
    )


def _dark(light: int, staying: Sequence[int]) -> LightVerdict:
    """What burns all the time cannot be seen to be lit."""
    return LightVerdict(light=light, state="not_assessed" if light in staying else "dead")


def _lit(light: int, place: int, prints: dict[int, Fingerprint], count: int) -> LightVerdict:
    if count < FEWEST:
        return LightVerdict(light=light, state="not_assessed")
    seen = prints.get(light)
    percent = None if seen is None else 100 * seen.brightness
    return LightVerdict(light=light, state=_state(light, place, seen), percent=percent, looks_like=place)


def _state(light: int, place: int, seen: Fingerprint | None) -> LightState:
    if place != light or seen is None:
        return "misplaced"
    if seen.brightness < BRIGHTNESS[0]:
        return "weak"
    if seen.brightness > BRIGHTNESS[1]:
        return "bright"
    return "unclear" if seen.fault else "good"


def _of_the_picture(looks: Looks, scale: Scale, ambient: float) -> Iterator[Finding]:
    clipped = max(float((lit >= CLIP_SHARE * scale.full).mean()) for lit in looks.lit)
    if clipped > TOO_MANY_CLIPPED:
        yield _finding("overexposed", f"{100 * clipped:.0f} % of the picture is overexposed under a light")
    if ambient > NOT_DARK:
        yield _finding(
            "not_dark", f"with all lights off the picture has {100 * ambient:.0f} % of a light's brightness"
        )


def _of_the_lights(lights: Sequence[LightVerdict], staying: Sequence[int]) -> Iterator[Finding]:
    for light in staying:
        yield _finding("stays_on", f"light {light} burns although all lights are off", light)
    places = {one.light: one.looks_like for one in lights if one.state == "misplaced"}
    for one in lights:
        other = places.get(one.light)
        if other is not None and places.get(other) == one.light:
            if one.light < other:
                yield _finding("swapped", f"lights {one.light} and {other} are swapped", one.light, other)
        elif other is not None:
            words = f"light {one.light} burns at the place of light {other}"
            yield _finding("misplaced", words, one.light)
        else:
            yield from _of_one(one)
    burning = [one for one in lights if one.state != "dead"]
    if any(one.state == "not_assessed" for one in lights) and len(burning) < FEWEST:
        yield _finding("too_few", f"only {len(burning)} lights burn: their places cannot be told apart")


def _of_one(one: LightVerdict) -> Iterator[Finding]:
    if one.state == "dead":
        yield _finding("dead", f"light {one.light} is dead: the camera sees nothing of it", one.light)
    elif one.state == "weak":
        yield _finding(
            "weak", f"light {one.light} has {one.percent:.0f} % of the brightness expected", one.light
        )
    elif one.state == "bright":
        yield _finding(
            "bright", f"light {one.light} has {one.percent:.0f} % of the brightness expected", one.light
        )
    elif one.state == "unclear":
        words = f"the picture under light {one.light} does not clearly fit its place"
        yield _finding("unclear", words, one.light)


def _blind(count: int, staying: tuple[int, ...]) -> SelftestReport:
    lights = tuple(LightVerdict(light=light, state="not_assessed") for light in range(count))
    return SelftestReport(
        passed=False,
        lights=lights,
        findings=(
            *(_finding("stays_on", f"light {k} burns although all lights are off", k) for k in staying),
            _finding("camera_blind", "the camera sees nothing of any light"),
        ),
    )


def _finding(kind: FindingKind, message: str, *lights: int) -> Finding:
    return Finding(kind=kind, lights=lights, message=message, next_step=_NEXT[kind])
