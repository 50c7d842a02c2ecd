"""Normals of a varnished surface: the coat's highlight taken off where each pixel's own slope puts it.

How strong the coat is, is one set of numbers for the whole surface (`gains.refit`); where it shines follows
from the normals, and the normals from what is left. The first normals are those under the shine of a level
surface. More rounds were tried: they settle, but on noisier normals than the second has.
"""

from dataclasses import replace

import numpy as np

from ._fields import table_of
from ._shine import shine_pass
from .coat import ROUGHNESS, Coat
from .solve import ROBUST, Alignment, Estimator, MeanRatio, Solution, mean_ratio, solve
from .stack import Floats, LightField, Pictures, unusable


def shine_at(normals: Floats, coat: Coat) -> Floats:
    """What the coat adds to the ratios at each pixel: float32 (lights, H, W)."""
    height, width, _ = normals.shape
    table = table_of(np.concatenate([coat.half, coat.outside[..., None]], axis=3), width)
    some = coat.weights > 0
    lobes = np.column_stack([np.square(ROUGHNESS)[some], coat.weights[some]]).astype(np.float32)
    out = np.empty((len(coat.half), height, width), np.float32)
    shine_pass(np.ascontiguousarray(normals, np.float32), table, lobes, out)
    return out


def solve_coated(
    pictures: Pictures,
    field: LightField,
    coat: Coat,
    *,
    estimator: Estimator = ROBUST,
    alignment: Alignment | None = None,
    mean: MeanRatio | None = None,
) -> Solution:
    """Normals, albedo and their uncertainty under a coat; arguments and errors as for `solve`.

    Args:
        pictures: K lit pictures and the ambient one.
        field: what the lights do; its own shine is not used.
        coat: over the same nodes or others.
        estimator: how outliers are treated.
        alignment: shifts to undo.
        mean: from `mean_ratio`.

    Raises:
        StationError: `stack_unusable`, as `solve`, or the coat is made for another number of lights.
    """
    if len(coat.half) != pictures.lights:
        raise unusable(f"the coat is made for {len(coat.half)} lights, the stack has {pictures.lights}")
    matte = replace(field, shine=None)
    if alignment is not None and mean is None:
        mean = mean_ratio(pictures, matte)
    level = np.zeros((*pictures.lit.shape[1:3], 3), np.float32)
    level[..., 2] = 1
    first = solve(
        pictures, matte, estimator=estimator, alignment=alignment, mean=mean, shine=shine_at(level, coat)
    )
    return solve(
        pictures,
        matte,
        estimator=estimator,
        alignment=alignment,
        mean=mean,
        shine=shine_at(first.normals, coat),
        out=first,
    )
