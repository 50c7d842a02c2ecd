"""Does the calibration hold still? The figures of the newest scans in, signs of ageing out; pure.

Two looks at each figure: the median of the newest three scans, which notices a bump at the second scan after
it and forgives one covered corner, and the exponentially weighted average of such medians (Roberts, 1959), in
which slow drifts stand out of the scatter from scan to scan. The bounds are in `bounds`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..documents.ageing import Ageing, AgeingSign
from ..documents.profile import RigProfile
from ..documents.scan import Measurements, Quality
from .bounds import FOCUS, LIGHTS, SHIFT, TURN, Bound, State
from .trueness import spread_percent

Array = NDArray[np.float64]

MEMORY = 30
"""Scans looked back on; what the average gives an older one is less than a thousandth."""
FEWEST = 3
WEIGHT = 0.2
"""Of the newest scan in the average: its scatter is a third of that of one scan."""
MEASURED = "measured"
NAMED = 0.5
"""Lights are named that changed by at least this share of the one that changed most."""
_SEVERITY: dict[State, int] = {"ok": 0, "soon": 1, "now": 2}


def ageing(scans: Sequence[Quality], profile: RigProfile) -> Ageing:
    """What the newest scans say.

    Args:
        scans: taken and computed with the profile, oldest first; more than `MEMORY` are not looked at.
        profile: the one in use.
    """
    newest = scans[-MEMORY:]
    signs = [*_of_profile(profile), *_of_lights(newest, len(profile.lights)), *_of_place(newest)]
    signs.sort(key=lambda sign: -_SEVERITY[sign.state])
    if signs:
        return Ageing(state=signs[0].state, scans=len(newest), signs=tuple(signs))
    return Ageing(state="ok" if len(newest) >= FEWEST else "not_assessed", scans=len(newest))


def marked(measured: Measurements, found: Ageing) -> Measurements:
    """What was measured on a scan, with what this scan and those before it say of the calibration.

    Of a profile that was never measured the scan's warnings tell already.
    """
    wrong = [sign.message for sign in found.signs if sign.state == "now" and sign.figure != MEASURED]
    return measured.replace(
        quality=measured.quality.replace(calibration=None if found.state == "not_assessed" else found.state),
        warnings=(*measured.warnings, *wrong),
    )


def _of_profile(profile: RigProfile) -> Iterator[AgeingSign]:
    if not profile.measured:
        yield AgeingSign(
            figure=MEASURED,
            state="now",
            message=f"Profile {profile.name} is a starting point that was never measured on this rig.",
            next_step="Calibrate the rig.",
        )


def _of_lights(scans: Sequence[Quality], lights: int) -> Iterator[AgeingSign]:
    seen = [one.mat_gains or one.gains for one in scans]
    gains = np.array([one for one in seen if one is not None and len(one) == lights])
    if len(gains) < FEWEST:
        return
    worse = max(_looks(gains), key=spread_percent)
    spread = spread_percent(worse)
    state = LIGHTS.state(spread)
    if state == "ok":
        return
    change = worse / np.median(worse) - 1
    most = np.abs(change).max()
    named = [int(light) for light in np.flatnonzero(np.abs(change) >= NAMED * most)]
    yield AgeingSign(
        figure=LIGHTS.name,
        state=state,
        lights=tuple(named),
        value=spread,
        bound=_passed(LIGHTS, state),
        unit=LIGHTS.unit,
        message=f"Since the calibration {_and([_changed(light, change[light]) for light in named])}.",
        next_step="Clean what is named and check its plug and supply; if it stays so, calibrate again.",
    )


def _changed(light: int, change: float) -> str:
    return f"light {light} became {100 * abs(change):.0f} % {'weaker' if change < 0 else 'stronger'}"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _of_place(scans: Sequence[Quality]) -> Iterator[AgeingSign]:
    newest = [one.mat_places for one in scans[-FEWEST:]]
    if len(newest) == FEWEST and all(places == 0 for places in newest):
        yield AgeingSign(
            figure="mat_places",
            state="now",
            message=f"In {FEWEST} scans running the mat of the calibration was not found around the card.",
            next_step="Put camera and mat back, or calibrate again if either was changed.",
        )
    shift = "Camera and mat moved against each other by {value:.0f} um since the calibration."
    turn = "Camera and mat turned against each other by {value:.2f} degrees since the calibration."
    focus = "The picture has {value:.0f} % of the fine contrast that it had at the calibration."
    fast = "See that camera and mat are fast, then calibrate again."
    yield from _of_figure(SHIFT, [one.mat_shift_um for one in scans], shift, fast)
    yield from _of_figure(TURN, [one.mat_turn_deg for one in scans], turn, fast)
    lens = "Clean the lens and focus on the mat, then calibrate again."
    yield from _of_figure(FOCUS, [one.focus_percent for one in scans], focus, lens)


def _of_figure(
    bound: Bound, values: Sequence[float | None], message: str, next_step: str
) -> Iterator[AgeingSign]:
    known = np.array([[one] for one in values if one is not None])
    if len(known) < FEWEST:
        return
    looks = [abs(float(look[0])) for look in _looks(known)]
    value = min(looks) if bound.shrinks else max(looks)
    state = bound.state(value)
    if state != "ok":
        yield AgeingSign(
            figure=bound.name,
            state=state,
            value=value,
            bound=_passed(bound, state),
            unit=bound.unit,
            message=message.format(value=value),
            next_step=next_step,
        )


def _looks(values: Array) -> tuple[Array, Array]:
    """Of figures (scans, N), oldest first: the median of the newest, and the weighted average of medians."""
    medians = np.median(sliding_window_view(values, FEWEST, axis=0), axis=-1)
    weights = (1 - WEIGHT) ** np.arange(len(medians))[::-1]
    average = (weights[:, None] * medians).sum(axis=0) / weights.sum()
    return medians[-1], np.asarray(average, np.float64)


def _passed(bound: Bound, state: State) -> float:
    return bound.now if state == "now" else bound.soon
