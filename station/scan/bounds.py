"""How far a rig may be from its calibration: bounds by what a drift does to normals and millimetres.

Measured on the twin by scanning one card with rig and camera changed and the profile not (150 dpi; the
normals' large-scale change, whose noise is 0.02 degrees):

| change | normals | |
|---|---|---|
| lights 1, 3, 10 % rms | 0.02, 0.05, 0.13 deg | the refit makes most of it good |
| camera shifted 0.3, 1, 3 mm | 0.02, 0.04, 0.19 deg | |
| camera turned 0.3, 1 deg | 0.09, 0.30 deg | |
| camera raised 1 mm: 0.25 % smaller | 0.06 deg | the card's width 0.16 mm off |

Numbers count as wrong from 0.1 degrees on, a third of a normal's usual noise, and from 0.2 mm in the card's
height; a calibration is due at half of that. A shift is told of much earlier than it does harm, for what
moved a little was touched. Contrast is another matter: what a flaw shows shrinks with it.
"""

from dataclasses import dataclass
from typing import Literal

from ..documents.calibration import Figure, Verdict

State = Literal["ok", "soon", "now"]


@dataclass(frozen=True, slots=True)
class Bound:
    """Of one figure.

    Attributes:
        name, title, unit: as in `Figure`.
        soon: from here on a calibration is due.
        now: from here on numbers are wrong.
        shrinks: whether smaller is worse.
    """

    name: str
    title: str
    unit: str
    soon: float
    now: float
    shrinks: bool = False

    def state(self, value: float) -> State:
        """Where a value lies; its sign does not matter."""
        size, sign = abs(value), -1 if self.shrinks else 1
        if sign * size >= sign * self.now:
            return "now"
        return "soon" if sign * size >= sign * self.soon else "ok"

    def figure(self, value: float | None, sigma: float | None, why_not: str = "") -> Figure:
        """The figure with its verdict; `why_not` where there is no value."""
        if value is None:
            verdict: Verdict = "not_assessed"
            reason = why_not
        else:
            verdict = _VERDICTS[self.state(value)]
            reason = self._reason(verdict)
        return Figure(
            name=self.name, title=self.title, value=value, sigma=sigma, unit=self.unit, verdict=verdict,
            reason=reason,
        )  # fmt: skip

    def _reason(self, verdict: Verdict) -> str:
        side = "below" if self.shrinks else "above"
        if verdict == "pass":
            return f"a calibration is due {side} {self.soon:g} {self.unit}"
        bound = self.soon if verdict == "usable" else self.now
        told = "a calibration is due" if verdict == "usable" else "numbers go wrong"
        return f"{side} {bound:g} {self.unit} {told}"


_VERDICTS: dict[State, Verdict] = {"ok": "pass", "soon": "usable", "now": "redo"}

LIGHTS = Bound("light_spread_percent", "lights against each other", "%", 3.0, 8.0)
SHIFT = Bound("mat_shift_um", "shift of camera or mat", "um", 300.0, 1_500.0)
TURN = Bound("mat_turn_deg", "turn of camera or mat", "deg", 0.15, 0.33)
SCALE = Bound("mat_scale_percent", "size of the mat in the picture", "%", 0.1, 0.25)
FOCUS = Bound("focus_percent", "sharpness", "%", 85.0, 70.0, shrinks=True)
AMBIENT = Bound("ambient_percent", "room light against a light of the rig", "%", 10.0, 25.0)
"""A quarter of a light's brightness is the selftest's own bound; half of that adds a tenth to the noise of a
dark pixel."""
BLACK = Bound("black_level_codes", "darkest of the dark picture over the black level", "codes", 2.0, 6.0)
"""In codes of 8 bits: 2 take off a sixth from the darkest ink's 12 codes where no ambient picture makes it
good."""
