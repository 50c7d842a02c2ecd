"""A band of rows from codes to maps, on tensors: the order of the stages is that of `_passes.solve_pass`."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._tensor_coat import reshine
from ._tensor_fit import (
    Answer,
    Pair,
    directions,
    halved,
    judged,
    least_squares,
    of_channels,
    refit_doubtful,
    shaded,
    uncertainty,
)  # fmt: skip
from ._tensor_pixels import (
    Mixed,
    Noise,
    Ratios,
    Signal,
    Tensor,
    combined,
    derivatives,
    one_channel,
    ratios,
    shadows,
    spread,
    steepness,
    unshift,
    weights,
)  # fmt: skip
from .solve import Alignment, Estimator


@dataclass(frozen=True, slots=True)
class Setting:
    """What all bands of a picture share.

    Attributes:
        estimator: how the lights are weighed.
        noise: of the sensor.
        alignment: None takes the pictures as they lie.
    """

    estimator: Estimator
    noise: Noise
    alignment: Alignment | None


@dataclass(frozen=True, slots=True)
class Band:
    """What goes in.

    Attributes:
        codes: (lights, channels, pixels).
        dark: (channels, pixels), all lights off; None: the black level.
        nodes: (lights, parts, rows, columns), the field's table at these rows, see `LightField.table`.
        mean: (rows + 4, width + 4, channels), mean ratio with a border; None: the pictures lie as they lie.
        width: pixels.
        places: 0 to `LINE` - 1, see `spread`.
    """

    codes: Tensor
    dark: Tensor | None
    nodes: Tensor
    mean: Tensor | None
    width: int
    places: Tensor

    @property
    def glossy(self) -> bool:
        """Whether anything shines."""
        return bool(self.nodes.shape[1] > self.codes.shape[1] + 2)

    @property
    def coated(self) -> bool:
        """Whether the shine follows the normals."""
        return bool(self.nodes.shape[1] > self.codes.shape[1] + 3)

    def field(self, light: int | slice, part: int | slice) -> Tensor:
        """Parts of the field at every pixel."""
        return spread(self.nodes[light, part], self.width, self.places)


class Maps(NamedTuple):
    """What comes out, (pixels, ...) each: see `solve.Solution`."""

    normals: Tensor
    albedo: Tensor
    sigma_rad: Tensor
    chi2: Tensor
    gloss: Tensor
    lights_used: Tensor
    gloss_light: Tensor
    clipped: Tensor
    dark: Tensor
    valid: Tensor


class Seen(NamedTuple):
    """What the fit begins with.

    Attributes:
        of: ratios of all channels, freed of shifts and shine.
        mixed: one ratio per light.
        signal: the same, weighed.
        shine: (lights, pixels), taken off so far; None: matte.
        hidden: bool (pixels,), a light stands behind the surface.
    """

    of: Ratios
    mixed: Mixed
    signal: Signal
    shine: Tensor | None
    hidden: Tensor


def solved(band: Band, setting: Setting) -> Maps:
    """The whole computation of every pixel of a band."""
    seen = look(band, setting)
    s, e = seen.signal, setting.estimator
    found = least_squares(s)
    if seen.shine is not None and band.coated:
        first = band.codes.shape[1] + 3
        found = reshine(
            lambda k: band.field(k, slice(first, first + 8)), found, e.shine_error, seen.of.y, s, seen.shine
        )
    pair = refit_doubtful(s, found, e.doubt, e.left_out)
    per_cut2 = float(np.float32(1) / np.float32(e.cut * e.cut))
    for _ in range(e.steps):
        found = least_squares(s._replace(w=s.w * halved(s, found.m, per_cut2)))
    return finished(seen, found, pair, per_cut2 if e.steps > 0 else 0.0)


def look(band: Band, setting: Setting) -> Seen:
    """Ratios, one signal of them, and how uncertain it is."""
    channels, e = band.codes.shape[1], setting.estimator
    every = slice(None)
    dark = setting.noise.black if band.dark is None else band.dark
    of = ratios(band.codes, dark, band.field(every, slice(channels)), setting.noise)
    d = None
    if band.mean is not None and setting.alignment is not None:
        d = derivatives(band.mean)
        unshift(of.y, d, setting.alignment.shift_px.tolist())
    shine = None
    if band.glossy:
        shine = band.field(every, channels + 2)
        of.y.sub_(shine[:, None])
    dark_noise = None if band.dark is None else setting.noise.variance(band.dark)
    mixed = (one_channel if channels == 1 else combined)(of, dark_noise)
    motion = 0.0
    if d is not None and setting.alignment is not None:
        jitter = mixed.level.new_tensor(setting.alignment.jitter_px.tolist())[:, None]
        motion = jitter * jitter * steepness(d, mixed.share)
    coat = 0.0 if shine is None else e.shine_error * shine
    w = weights(mixed.variance, e.model_error * mixed.level, motion, coat)
    w, hidden = shadows(mixed.z, w, mixed.level, e.shadow or -np.inf)
    p, q = band.field(every, channels), band.field(every, channels + 1)
    return Seen(of, mixed, Signal(mixed.z, w, p, q), shine, hidden)


def finished(seen: Seen, found: Answer, pair: Pair, per_cut2: float) -> Maps:
    """Answers turned into maps."""
    s, (y, v, _) = seen.signal, seen.of
    f = judged(s, found.m, pair, per_cut2)
    unit, length, good = directions(found, f.used)
    if y.shape[1] == 1:
        albedo = length.where(good, seen.mixed.level)[None]
    else:
        albedo = of_channels(y, v, f.h, shaded(s, unit))
    spare = f.seen - 3
    normals = y.new_empty((y.shape[2], 3))
    for axis, of_axis in enumerate(unit):
        normals[:, axis] = of_axis
    return Maps(
        normals,
        albedo.transpose(0, 1),
        uncertainty(s, f.h, seen.mixed.common, found),
        (f.chi2 / spare.clamp(min=1)).where(spare > 0, 0.0),
        f.gloss.where(good, 0.0),
        f.used,
        f.gloss_light,
        (v <= 0).flatten(0, 1).any(0),
        f.dark | seen.hidden,
        good,
    )
