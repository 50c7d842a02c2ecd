"""Codes to one signal per light, on tensors: what `_pixels`, `_taylor` and `_coat` do, for a band of rows.

Only methods of tensors are called, see `_tensor_fit`. Index order (light, channel, pixel) or (light, pixel);
the pixels of a band follow one another row by row. Variances are -1 where a code is clipped.
"""

from typing import Any, NamedTuple, TypeAlias

from . import _pixels
from ._jit import LINE

Tensor: TypeAlias = Any
"""A `torch.Tensor` of float32 if nothing else is said; torch is not installed everywhere."""
Vector: TypeAlias = tuple[Tensor, ...]
"""Three of (pixels,) or of (lights, pixels)."""

TINY = float(_pixels.TINY)
CLIPPED_USE = 1e-6
"""Weight of a light with a clipped channel in the mean ratio: it counts where no other is left."""
LEAST_LEVEL = 1e-4
SHADOWS_NEED = 4
"""Lights that reach a pixel, from which the others may stand behind its surface."""


class Signal(NamedTuple):
    """What the fit sees, (lights, pixels) each: ratio, weight, direction (p, q, 1)."""

    z: Tensor
    w: Tensor
    p: Tensor
    q: Tensor


class Ratios(NamedTuple):
    """Ratios to the flat field, their variances, and 1 / flat: (lights, channels, pixels) each."""

    y: Tensor
    v: Tensor
    gain: Tensor


class Mixed(NamedTuple):
    """One ratio z per light, its variance, the deviation the ambient picture's noise makes in it.

    Attributes:
        z, variance: (lights, pixels).
        common: (lights, pixels); None without an ambient picture.
        level: (pixels,), mean of z over the lights.
        share: (channels, pixels), with which the channels enter z.
    """

    z: Tensor
    variance: Tensor
    common: Tensor | None
    level: Tensor
    share: Tensor


class Noise(NamedTuple):
    """The sensor's figures, see `stack.Sensor`."""

    black: float
    a: float
    b: float
    clipped_from: float
    brighter: tuple[tuple[float, float, float], ...] = ()

    def variance(self, codes: Tensor) -> Tensor:
        """Of codes, black level included."""
        return (codes - self.black).clamp(min=0) * self.a + self.b

    def variance_lit(self, codes: Tensor) -> Tensor:
        """Of codes under a light: bright ones may have another noise."""
        out = self.variance(codes)
        for begins, a, b in self.brighter:
            out = ((codes - self.black) * a + b).where(codes >= begins, out)
        return out


def spread(nodes: Tensor, width: int, places: Tensor) -> Tensor:
    """Rows of the field's table (..., rows, columns) at every pixel: (..., rows * width). See `_fields`.

    places: 0 to `LINE` - 1, the pixels of a line.
    """
    if nodes.shape[-1] < max(width, 2 * LINE):
        left = nodes[..., :-1, None]
        step = (nodes[..., 1:, None] - left) * (1 / LINE)
        nodes = (left + step * places).flatten(-2)
    return nodes[..., :width].flatten(-2)


def numbers(codes: Tensor, channels: int) -> Tensor:
    """Codes (..., rows, width channels) of uint8, or of uint16 sent as int16: (..., channels, pixels)."""
    apart = codes.unflatten(-1, (-1, channels)).flatten(-3, -2).transpose(-1, -2)
    return apart.int().bitwise_and(0xFFFF).float().contiguous()


def ratios(codes: Tensor, dark: Tensor | float, gain: Tensor, noise: Noise) -> Ratios:
    """Of codes (lights, channels, pixels); dark: (channels, pixels), or the black level."""
    of_code = (noise.variance_lit(codes) * (gain * gain)).clamp(min=TINY)
    return Ratios((codes - dark) * gain, of_code.where(codes < noise.clipped_from, -1.0), gain)


def derivatives(mean: Tensor) -> tuple[Tensor, ...]:
    """Of the mean ratio (rows + 4, width + 4, channels): x, y, xx, xy, yy, (channels, pixels) each."""
    mean = mean.permute(2, 0, 1)
    rows, columns = mean.shape[1] - 4, mean.shape[2] - 4

    def at(dx: int, dy: int) -> Tensor:
        return mean[:, 2 + dy : 2 + dy + rows, 2 + dx : 2 + dx + columns].flatten(1)

    near, far, twice = 2 / 3, 1 / 12, 2.0 * at(0, 0)
    return (
        near * (at(1, 0) - at(-1, 0)) - far * (at(2, 0) - at(-2, 0)),
        near * (at(0, 1) - at(0, -1)) - far * (at(0, 2) - at(0, -2)),
        at(1, 0) + at(-1, 0) - twice,
        0.25 * (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)),
        at(0, 1) + at(0, -1) - twice,
    )


def unshift(y: Tensor, d: tuple[Tensor, ...], shifts_px: list[tuple[float, float]]) -> None:
    """Move each light's ratios back by its shift, in place, by the Taylor series of the mean picture."""
    for k, (dx, dy) in enumerate(shifts_px):
        first = dx * d[0] + dy * d[1]
        y[k] += first - 0.5 * dx * dx * d[2] - dx * dy * d[3] - 0.5 * dy * dy * d[4]


def one_channel(of: Ratios, dark_noise: Tensor | None) -> Mixed:
    """Pictures of one channel: the ratios are the signal."""
    y, v, gain = (part[:, 0] for part in of)
    use = (y.new_ones(())).where(v > 0, CLIPPED_USE)
    level = ((use * y).sum(0) / use.sum(0)).clamp(min=LEAST_LEVEL)
    common = None if dark_noise is None else dark_noise[0].sqrt() * gain
    return Mixed(y, v, common, level, y.new_ones(()).expand(1, y.shape[1]))


def combined(of: Ratios, dark_noise: Tensor | None) -> Mixed:
    """Channels to one ratio per light: see `_pixels.channel_levels` and `_pixels.combine`."""
    y, v, gain = of
    level, share = _channel_levels(y, v)
    target = (TINY + (share * level).sum(0)) / (TINY + share.sum(0))
    s = share.where(v > 0, 0.0)
    within = (s * level).sum(1)
    seen = within > 0
    scale = target / within.clamp(min=TINY)
    z = ((s * y).sum(1) * scale).where(seen, y.mean(1))
    variance = ((s * s * v).sum(1) * scale * scale).clamp(min=TINY).where(seen, -1.0)
    common = None
    if dark_noise is not None:
        common = ((s * s * gain * gain * dark_noise).sum(1).sqrt() * scale).where(seen, 0.0)
    return Mixed(z, variance, common, target, share)


def _channel_levels(y: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ratio of each channel and its share in the signal: (channels, pixels) each."""
    use = y.new_ones(()).where(v.amin(1) > 0, CLIPPED_USE)
    whole, use = use.sum(0), use[:, None]
    level = ((use * y).sum(0) / whole).clamp(min=LEAST_LEVEL)
    return level, (use / v).where(v > 0, 0.0).sum(0) * level / whole


def steepness(d: tuple[Tensor, ...], share: Tensor) -> Tensor:
    """Square of the gradient of the one signal (pixels,)."""
    total = TINY + share.sum(0)
    across, down = (share * d[0]).sum(0) / total, (share * d[1]).sum(0) / total
    return across * across + down * down


def weights(variance: Tensor, model: Tensor, motion: Tensor | float, coat: Tensor | float) -> Tensor:
    """Inverse variances, the squared deviations of model, shifts and coat added; 0 where clipped."""
    extra = model * model + motion + coat * coat
    return (variance + extra).clamp(min=TINY).reciprocal().where(variance > 0, 0.0)


def shadows(z: Tensor, w: Tensor, level: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Weights without the lights that hardly reach a pixel, and whether there is one: see `_pixels`."""
    least = share * level
    bright = ((z > least) & (w > 0)).sum(0)
    behind = (z <= least) & (bright >= SHADOWS_NEED)
    return w.masked_fill(behind, 0.0), behind.any(0)
