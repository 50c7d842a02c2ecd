"""Black level and read noise from frames taken with the lens covered; and the mean of many frames."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ..codes import Pixels

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

GROWS = 0.001
"""Share of full scale by which the black level may grow from the short exposure to the long one: a quarter of
a code at 8 bits. An uncooled sensor's dark current stays below it up to exposures of a second; daylight
through a badly covered lens does not."""
CERTAIN = 4.0
"""Standard deviations from which a growth is no chance."""
PILE, LEAST_PILE = 2.0, 0.002
"""How much more often a code of clipped light comes than a 256th of all codes below it, and its least share
of all pixels: with the noise of bright light, half of what is clipped now and then falls below it."""
HOT = 0.02
"""Share of full scale above the black level from which a pixel counts as hot, if it is no noise."""
HOT_SIGMAS = 8.0
_EVERY = 4  # rows and columns of which the codes are counted
_BLOCKS = 16  # rows and columns of blocks from whose scatter the level's uncertainty is taken


class FrameMean:
    """Mean, temporal variance and usual codes of frames that come one by one; its memory does not grow.

    The variance is that of differences between the frames of a pair (first and second, third and fourth, and
    so on), so that a slow drift of the light does not pass for noise.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum: NDArray[np.uint32] | None = None
        self._squares: Floats | None = None
        self._first: Pixels | None = None
        self._seen: NDArray[np.int64] | None = None

    def add(self, frame: Pixels) -> None:
        """Take one more frame (H, W, 3) or (H, W), uint8 or uint16.

        Raises:
            ValueError: it has another size or type than those before.
        """
        if self._sum is None or self._squares is None:
            self._sum = np.zeros(frame.shape, np.uint32)
            self._squares = np.zeros(frame.shape, np.float32)
            self.dtype = frame.dtype
        if frame.shape != self._sum.shape or frame.dtype != self.dtype:
            raise ValueError(f"a frame {frame.dtype} {frame.shape} among {self.dtype} {self._sum.shape}")
        self._sum += frame
        self._count(frame)
        if self._first is None:
            self._first = frame
        else:
            cv2.accumulateSquare(cv2.absdiff(frame, self._first), self._squares)
            self._first = None
        self.count += 1

    def _count(self, frame: Pixels) -> None:
        """How often each code came, by channel, in a part of the pixels that is large enough for a median."""
        some = np.atleast_3d(frame)[::_EVERY, ::_EVERY]
        if self._seen is None:
            self._seen = np.zeros((some.shape[2], np.iinfo(frame.dtype).max + 1), np.int64)
        size = self._seen.shape[1]
        for channel in range(len(self._seen)):
            self._seen[channel] += np.bincount(some[..., channel].ravel(), minlength=size)

    @property
    def median(self) -> Array:
        """Of all codes of each channel (C,); between whole codes as if each were spread over its rounding.

        Raises:
            ValueError: there was no frame.
        """
        if self._seen is None:
            raise ValueError("there is no median of no frames")
        return np.array([_median_of(seen) for seen in self._seen])

    @property
    def clipped_at(self) -> Array:
        """The code at which each channel is clipped (C,); NaN where the frames are not.

        Light that is clipped has one and the same code, which then is the highest, and comes far more often
        than those below it.

        Raises:
            ValueError: there was no frame.
        """
        if self._seen is None:
            raise ValueError("there is no clipping in no frames")
        return np.array([_pile(seen) for seen in self._seen])

    @property
    def pairs(self) -> int:
        """Pairs of frames that the variance is from."""
        return self.count // 2

    @property
    def mean(self) -> Floats:
        """Of every pixel and channel.

        Raises:
            ValueError: there was no frame.
        """
        if self._sum is None:
            raise ValueError("there is no mean of no frames")
        return (self._sum / self.count).astype(np.float32)

    @property
    def variance(self) -> Floats:
        """Of a single frame's codes, of every pixel and channel.

        Raises:
            ValueError: there were fewer than two frames.
        """
        if self._squares is None or self.pairs == 0:
            raise ValueError("a variance needs two frames")
        return self._squares / np.float32(2 * self.pairs)


def _median_of(seen: NDArray[np.int64]) -> float:
    upto = np.cumsum(seen)
    half = upto[-1] / 2
    code = int(np.searchsorted(upto, half))
    return float(max(code - 0.5 + (half - (upto[code] - seen[code])) / seen[code], 0.0))


def _pile(seen: NDArray[np.int64]) -> float:
    code = int(np.flatnonzero(seen)[-1])
    reach = 3 * max(1, seen.size // 256)
    below = seen[max(code - reach, 0) : code].sum() / 3
    return float(code) if seen[code] >= max(PILE * below, LEAST_PILE * seen.sum()) else np.nan


@dataclass(frozen=True, slots=True)
class Dark:
    """What the sensor gives without light.

    Attributes:
        level, level_sigma: (3,), mean by channel in codes, from the shorter exposure: the black level of a
            camera that is linear.
        code: (3,), median. Where the camera cuts off what falls below black, or curves it, this is the code
            that no light has, and the mean is not.
        read_noise, read_noise_sigma: (3,), standard deviation of a pixel from frame to frame, in codes. At 8
            bits it may be smaller than the rounding, and then says little.
        growth, growth_sigma: (3,), by how many codes the level is higher at the longer exposure.
        hot: pixels that are bright without light at the longer exposure.
        findings: what is wrong.
    """

    level: Array
    level_sigma: Array
    code: Array
    read_noise: Array
    read_noise_sigma: Array
    growth: Array
    growth_sigma: Array
    hot: int
    findings: tuple[CalibrationFinding, ...]


def dark_of(short: FrameMean, long: FrameMean, full_scale: float) -> Dark:
    """Black level and read noise from covered frames.

    Args:
        short: frames at the exposure of a scan, or a shorter one.
        long: frames at one several times as long.
        full_scale: highest code.

    Raises:
        ValueError: fewer than two frames of either, or other sizes.
    """
    means, later = short.mean, long.mean
    if means.shape != later.shape or means.ndim != 3:
        raise ValueError(f"covered frames {means.shape} and {later.shape}")
    level, level_sigma = _levels(means)
    growth, growth_sigma = _levels(later - means)
    read_noise, read_sigma = _noise(short)
    hot = _hot(later, full_scale)
    covered = _not_covered(growth, growth_sigma, full_scale)
    return Dark(level, level_sigma, short.median, read_noise, read_sigma, growth, growth_sigma, hot, covered)


def _levels(picture: Floats) -> tuple[Array, Array]:
    """Level by channel, and its uncertainty from the scatter over the picture: means of blocks, their median.

    Medians, so that neither a hot pixel nor a corner that glows counts.
    """
    blocks = cv2.resize(picture, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    level = np.median(blocks, axis=0).astype(np.float64)
    spread = 1.4826 * np.median(np.abs(blocks - level), axis=0)
    # the median of many normal deviates scatters sqrt(pi / 2) times as much as their mean
    return level, np.asarray(spread * np.sqrt(np.pi / 2 / len(blocks)), np.float64)


def _noise(frames: FrameMean) -> tuple[Array, Array]:
    """Standard deviation from frame to frame by channel; blocks again, so that hot pixels do not count."""
    variance, sigma = _levels(frames.variance)
    noise = np.sqrt(np.maximum(variance, 0))
    return noise, np.where(noise > 0, sigma / np.maximum(2 * noise, 1e-12), np.sqrt(sigma))


def _hot(picture: Floats, full_scale: float) -> int:
    level = np.median(picture, axis=(0, 1))
    spread = 1.4826 * np.median(np.abs(picture - level), axis=(0, 1))
    return int((picture > level + np.maximum(HOT_SIGMAS * spread, HOT * full_scale)).any(axis=2).sum())


def _not_covered(growth: Array, sigma: Array, full_scale: float) -> tuple[CalibrationFinding, ...]:
    worst = int(np.argmax(growth))
    if growth[worst] <= max(GROWS * full_scale, CERTAIN * float(sigma[worst])):
        return ()
    return (
        CalibrationFinding(
            kind="not_covered",
            message=f"Light gets in: dark frames are {growth[worst]:.2f} codes brighter when exposed longer.",
            next_step="Cover the lens with its cap or with black cloth, and take the dark frames again.",
        ),
    )
