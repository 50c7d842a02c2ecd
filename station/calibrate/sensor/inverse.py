"""The rising curve from codes to light under which every pixel's light is in proportion to its exposure."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.optimize import nnls

Array = NDArray[np.float64]

SPANS = 20
"""Spans of the spline from black to white: wider than ten codes of 8 bits, narrower than a camera's bends."""
DEGREE = 3
ROUNDING = 0.3
"""Standard deviation of a level in codes: what rounding leaves."""
UNSTEADY = 0.003
"""Of the light, relative: exposure times in whole rows, supplies, shot noise that averaging leaves."""
SMOOTH = 1e-7
"""Weight of the third differences against the data: enough to carry the curve over a span without pixels, and
too little to bend a gamma of 2.2 at its end (measured on such series, by a thousandth)."""
CUT_CODES, CUT = 2.0, 0.01
"""Distance from black, in codes and of white less black, within which noise may be cut off from a level."""
NEAR_WHITE = 0.04
"""The same from white: the noise of bright light is so large that clipped frames have a mean a per cent below
white, and those that are clipped now and then are further off."""
LAST = 0.2
"""Share of the curve's upper end by which it is carried on to white."""
LEAST_WRONG = 0.001
"""Standard uncertainty of an exposure time, relative, where the residuals are smaller still."""
BLOCKS = 8
"""Groups of pixels that are left out in turn for the uncertainty."""
_ROUNDS = 8
_ENOUGH = 1e3  # weight of the constraint that sets the scale


@dataclass(frozen=True, slots=True)
class Curve:
    """Light over code, both from 0 at black to 1 at white.

    Attributes:
        spline: of the light, in any unit.
        known_to: share of the codes up to which there were pixels; from there on the curve is a power law.
        power: its exponent.
        deviation, deviation_sigma: largest distance from the best straight line through black where there
            are pixels, and its standard uncertainty: from pixels left out (jackknife) and exposure times that
            are wrong by their residual.
        residual: (E,), mean relative excess of light of each exposure.
    """

    spline: BSpline
    known_to: float
    power: float
    deviation: float
    deviation_sigma: float
    residual: Array

    def at(self, share: NDArray[np.floating]) -> Array:
        """Light at codes, both as shares."""
        at = np.asarray(share, np.float64)
        light = np.asarray(self.spline(np.minimum(at, self.known_to)), np.float64)
        beyond = np.maximum(at / self.known_to, 1) ** self.power
        return np.asarray(np.clip(light * beyond / self._white, 0, 1), np.float64)

    @property
    def _white(self) -> float:
        return float(self.spline(self.known_to) * self.known_to**-self.power)

    @property
    def slope_at_black(self) -> float:
        """Light over code there."""
        return max(float(self.spline.derivative()(0.0)) / self._white, 0.0)


@dataclass(frozen=True, slots=True)
class _Data:
    """Levels of one channel: basis (E, P, K), code share (E, P), time (E,), which count (E, P), a code."""

    basis: Array
    share: Array
    times: Array
    counts: NDArray[np.bool_]
    code: float


def curve_of(levels: Array, times: Array, black: float, white: float) -> Curve:
    """The curve of one channel.

    Args:
        levels: (E, P), codes.
        times: (E,), exposure times, the longest 1.
        black: code of no light.
        white: code of clipped light.
    """
    code = 1 / (white - black)
    share = (levels - black) * code
    margin = max(CUT_CODES * code, CUT)
    counts = (share > margin) & (share < 1 - max(NEAR_WHITE, margin))
    counts &= counts.sum(axis=0) >= 2  # a pixel that counts once says nothing
    basis = _basis(np.clip(share, 0, 1))
    data = _Data(basis, share, times, counts, code)
    steps, weights = _fit(data)
    residual = _residual(data, steps, weights)
    lowest, highest = np.quantile(share[counts], [0.002, 0.998])
    at = np.linspace(float(lowest), float(highest), 100)
    off = _off(at, steps)
    where = int(np.argmax(np.abs(off)))
    fewer = [_off(at, again)[where] for again in _with_fewer(data, weights)]
    moved = [_off(at, again)[where] - off[where] for again in _with_other_times(data, weights, residual)]
    sigma = np.sqrt(np.var(fewer) * (BLOCKS - 1) + np.square(moved).sum())
    spline, known_to = _spline(steps), float(highest)
    return Curve(spline, known_to, _power(spline, known_to), float(abs(off[where])), float(sigma), residual)


def _power(spline: BSpline, known_to: float) -> float:
    """Exponent of the power law nearest to the curve's upper end: it carries on lines and gammas alike."""
    at = np.linspace(known_to * (1 - LAST), known_to, 30)
    light = np.maximum(np.asarray(spline(at), np.float64), 1e-9)
    return float(np.polyfit(np.log(at), np.log(light), 1)[0])


def _knots() -> Array:
    inner = np.linspace(0, 1, SPANS + 1)
    return np.concatenate([[0.0] * DEGREE, inner, [1.0] * DEGREE])


def _basis(share: Array) -> Array:
    """Rising functions (..., K): the light is a sum of them, none counting less than nothing.

    Sums of B-splines from each one on rise, and all but the sum of all begin at zero (Ramsay 1988).
    """
    design = BSpline.design_matrix(share.ravel(), _knots(), DEGREE).toarray()
    rising = np.cumsum(design[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return np.asarray(rising.reshape(*share.shape, -1))


def _spline(steps: Array) -> BSpline:
    """The curve, scaled to 1 at white."""
    heights = np.concatenate([[0.0], np.cumsum(steps)])
    return BSpline(_knots(), heights / heights[-1], DEGREE)


def _fit(data: _Data) -> tuple[Array, Array]:
    """Steps (K,) of the curve and the weights (E, P) that they were found with."""
    steps = np.full(data.basis.shape[2], 1 / data.basis.shape[2])
    weights = np.zeros(data.counts.shape)
    use = np.ones(data.counts.shape)
    for _ in range(_ROUNDS):
        weights = _weights(data, steps) * use
        steps = _solve(data, weights)
        light, _, expected = _lights(data, steps, weights)
        far = np.abs(light - expected) * np.sqrt(np.where(data.counts, _weights(data, steps), 0))
        scale = max(1.4826 * float(np.median(far[data.counts])), 0.1)
        use = 1 / np.maximum(1, far / (2 * scale))
    return steps, weights


def _weights(data: _Data, steps: Array) -> Array:
    """Of each level: by rounding, through the curve's slope, and by the light's own unsteadiness."""
    light = data.basis @ steps
    slope = np.asarray(_spline(steps).derivative()(np.clip(data.share, 0, 1))) * steps.sum()
    variance = (np.maximum(slope, 0.02 * steps.sum()) * ROUNDING * data.code) ** 2 + (UNSTEADY * light) ** 2
    return np.where(data.counts, 1 / np.maximum(variance, 1e-12), 0.0)


def _solve(data: _Data, weights: Array) -> Array:
    """Steps that fit best with every pixel's light free, and the mean light 1: without it none would be best.

    The pixels' lights are taken out of the normal equations (Schur complement).
    """
    size = data.basis.shape[2]
    flat = data.basis.reshape(-1, size)
    normal = flat.T @ (flat * weights.ravel()[:, None])
    timed = weights * data.times[:, None]
    toward = np.einsum("ep,epk->pk", timed, data.basis)
    own = np.maximum((timed * data.times[:, None]).sum(axis=0), 1e-30)
    normal -= toward.T @ (toward / own[:, None])
    total = float(weights.sum())
    mean = (weights.ravel() @ flat) / total
    normal /= total * max(float(np.trace(normal)) / total / size, 1e-30)
    third = np.diff(np.eye(size), 2, axis=0)  # second differences of steps are third ones of the curve
    values, vectors = np.linalg.eigh(normal + SMOOTH * third.T @ third)
    root = (vectors * np.sqrt(np.maximum(values, 0))).T
    design = np.vstack([root, _ENOUGH * mean])
    steps, _ = nnls(design, np.concatenate([np.zeros(size), [_ENOUGH]]))
    return np.asarray(steps, np.float64)


def _lights(data: _Data, steps: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Light of each level (E, P), of each pixel at the longest time (P,), and what each level should be."""
    light = data.basis @ steps
    timed = weights * data.times[:, None]
    pixels = (timed * light).sum(axis=0) / np.maximum((timed * data.times[:, None]).sum(axis=0), 1e-30)
    return light, pixels, data.times[:, None] * pixels


def _off(at: Array, steps: Array) -> Array:
    """Distance from the best straight line through black, as a share of its end."""
    light = np.asarray(_spline(steps)(at), np.float64)
    line = float((light * at).sum() / (at**2).sum())
    return light / line - at


def _with_fewer(data: _Data, weights: Array) -> list[Array]:
    """Steps with each block of pixels left out in turn."""
    order = np.arange(weights.shape[1]) % BLOCKS
    return [_solve(data, np.where(order == block, 0.0, weights)) for block in range(BLOCKS)]


def _with_other_times(data: _Data, weights: Array, residual: Array) -> list[Array]:
    """Steps with each exposure time in turn wrong by its residual or a little more."""
    found = []
    for exposure, wrong in enumerate(residual):
        times = data.times.copy()
        times[exposure] *= 1 + max(abs(wrong), LEAST_WRONG)
        found.append(_solve(replace(data, times=times), weights))
    return found


def _residual(data: _Data, steps: Array, weights: Array) -> Array:
    light, _, expected = _lights(data, steps, weights)
    relative = np.where(data.counts, light / np.maximum(expected, 1e-12) - 1, 0.0)
    count = np.where(data.counts, weights * expected**2, 0.0)
    return np.asarray((relative * count).sum(axis=1) / np.maximum(count.sum(axis=1), 1e-30))
