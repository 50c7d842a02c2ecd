"""`solve` on a CUDA device, through torch: the same stages in the same order, a band of rows at a time.

Nothing of the size of the stack lies on the device: a band's codes go there in one transfer, its maps come
back in one. Sums run over the lights of a pixel in a fixed order, there are no atomic additions and no matrix
products, so two runs on one device give the same bits. torch is imported by the functions that need it, and
by nothing else in this room.

So far it has run on torch's CPU device alone: every figure below is from there, none from a GPU.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ..documents.fault import StationError
from ._jit import LINE
from ._tensor_band import Band, Maps, Setting, solved
from ._tensor_pixels import Noise, Tensor, numbers
from .solve import (
    ROBUST,
    Alignment,
    Estimator,
    MeanRatio,
    Solution,
    Solver,
    mean_ratio,
    sensor_row,
    solve,
    unwritten,
)
from .stack import Codes, Floats, LightField, Pictures, check_field, unusable

VALUES_PER_BAND = 1 << 23
"""Most floats of one array on the device (32 MiB): lights times channels times pixels of a band.

About twenty such arrays live at a time: 590 to 670 MiB were measured on torch's CPU device.
"""
CUDA_DRIVER = "libcuda.so.1"


def gpu_present() -> bool:
    """Whether torch is installed here and has a CUDA device.

    Without the driver's library nothing is imported: torch alone takes seconds.
    """
    try:
        ctypes.CDLL(CUDA_DRIVER)
        import torch  # noqa: PLC0415

        return bool(torch.cuda.is_available())
    except (ImportError, OSError, RuntimeError, Warning):
        return False


def best_solver() -> Solver:
    """`solve_torch` where there is a CUDA device, else `solve`."""
    return solve_torch if gpu_present() else solve


def solve_torch(
    pictures: Pictures,
    field: LightField,
    *,
    estimator: Estimator = ROBUST,
    alignment: Alignment | None = None,
    mean: MeanRatio | None = None,
    device: str = "cuda",
) -> Solution:
    """Normals, albedo and their uncertainty, as `solve` gives them.

    How far rounding drives the two apart, measured in 24 runs over rendered cards of 201 249 pixels (3 to 16
    lights) on torch's CPU device; of all pixels but one in a thousand:

    - normals: 0.0002 degrees on cards without outliers, 0.002 where each light has 8 % highlights and 5 %
      shadows. Beyond, a pixel where two lights are equally to blame may lose the other one: 37 degrees once.
    - albedo: 2e-5 of it; `sigma_rad`: 1e-3 of it; `lights_used`: the same at 99.998 % of all pixels.
    - four lights with such outliers: two stories often fit a pixel equally well; 0.1 degrees, 1e-3 of the
      albedo, 4 % of sigma, 99.93 % of `lights_used`.

    `solve` differs from itself by as much when the lights are given in another order.

    Args:
        pictures: K lit pictures and the ambient one.
        field: what the lights do.
        estimator: how outliers are treated.
        alignment: shifts to undo and how well they are known; None takes the pictures as they lie.
        mean: from `mean_ratio`; computed (on the processor) where it is needed and not given.
        device: torch's name of it. "cpu" runs the very same code, for tests: it is slower than `solve`.

    Raises:
        StationError: `stack_unusable` as from `solve`; `gpu_missing`: there is no torch or no such device.
    """
    check_field(field, pictures.lit)
    estimator.check()
    torch = _torch(device)
    if alignment is not None and mean is None:
        mean = mean_ratio(pictures, field)
    brighter = tuple((noise.code, noise.noise_a, noise.noise_b) for noise in pictures.sensor.brighter)
    black, a, b, clipped_from = sensor_row(pictures)[:4].tolist()
    noise = Noise(black, a, b, clipped_from, brighter)
    setting = Setting(estimator, noise, alignment)
    source = _Source.of(pictures, field, mean if alignment is not None else None, torch, device)
    found = unwritten(*pictures.lit.shape[1:])
    with torch.inference_mode():
        for rows in source.bands():
            _put(found, rows, _fetched(torch, solved(source.band(rows), setting)))
    if not found.valid.any():
        raise unusable("no pixel has three lights that are neither clipped nor dark")
    return found


def _torch(device: str) -> ModuleType:
    """The library, where it can do what is asked of it."""
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        raise StationError("gpu_missing", "torch is not installed, and the CUDA solver runs on it") from error
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise StationError("gpu_missing", f"torch {torch.__version__} finds no CUDA device here")
    found: ModuleType = torch
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    """The pictures and what belongs to them, on the host, to be sent band by band.

    Attributes:
        lit, ambient: as `Pictures.rows` gives them.
        table: as `LightField.table` gives it.
        mean: (H + 4, W + 4, channels); None: the pictures are taken as they lie.
        channels: of the pictures.
        buffer: (lights + 1, rows of a band, W channels), what is sent; page-locked for a CUDA device.
        torch, device: where it is sent with what.
    """

    lit: Codes
    ambient: Codes
    table: Floats
    mean: Floats | None
    channels: int
    buffer: Tensor
    torch: ModuleType
    device: str

    @classmethod
    def of(
        cls, pictures: Pictures, field: LightField, mean: MeanRatio | None, torch: ModuleType, device: str
    ) -> "_Source":
        """Ready to send."""
        lit, ambient = pictures.rows()
        lights, height, wide = lit.shape
        table = field.table(pictures.lit.shape[2])
        of_row = lights * max(wide, table.shape[1] * table.shape[3])
        rows = min(max(VALUES_PER_BAND // of_row, 1), height)
        # torch hardly computes with uint16: such codes travel as int16, and `numbers` takes the sign off
        kind = torch.uint8 if lit.dtype == np.uint8 else torch.int16
        locked = device.startswith("cuda")
        buffer = torch.empty((lights + 1, rows, wide), dtype=kind, pin_memory=locked)
        of_mean = None if mean is None else mean.mean
        return cls(lit, ambient, table, of_mean, pictures.channels, buffer, torch, device)

    def bands(self) -> Iterator[slice]:
        """Rows of each band."""
        height, rows = self.lit.shape[1], self.buffer.shape[1]
        for first in range(0, height, rows):
            yield slice(first, min(first + rows, height))

    def band(self, rows: slice) -> Band:
        """A band on the device."""
        lights, dark = len(self.lit), len(self.ambient) > 0
        count = rows.stop - rows.start
        here = self.buffer[: lights + dark, :count]
        codes = here.numpy()
        codes[:lights] = self.lit[:, rows].view(codes.dtype)
        if dark:
            codes[lights] = self.ambient[rows].view(codes.dtype)
        there = numbers(here.to(self.device), self.channels)
        mean = None if self.mean is None else self._sent(self.mean[rows.start : rows.stop + 4])
        width = self.lit.shape[2] // self.channels
        nodes, places = self._nodes(rows), self._sent(np.arange(LINE, dtype=np.float32))
        return Band(there[:lights], there[lights] if dark else None, nodes, mean, width, places)

    def _nodes(self, rows: slice) -> Tensor:
        """The table at these rows: (lights, parts, rows, columns), linear between its own."""
        height, own = self.lit.shape[1], self.table.shape[2]
        at = np.arange(rows.start, rows.stop) * (own - 1) / max(height - 1, 1)
        above = np.minimum(at.astype(np.int64), max(own - 2, 0))
        first, last = int(above[0]), int(min(above[-1] + 1, own - 1))
        part = self._sent(self.table[:, :, first : last + 1])
        top, below = self._sent(above - first), self._sent(np.minimum(above + 1, own - 1) - first)
        share = self._sent((at - above).astype(np.float32))[:, None]
        upper = part[:, :, top]
        return upper + share * (part[:, :, below] - upper)

    def _sent(self, array: NDArray[np.generic]) -> Tensor:
        return self.torch.tensor(array, device=self.device)


def _fetched(torch: ModuleType, maps: Maps) -> list[NDArray[np.generic]]:
    """The maps on the host, flat, in the order of `Solution`: one transfer of bytes, taken apart there."""
    floats = [part.flatten().view(torch.uint8) for part in (maps.normals, *maps[1:5])]
    marks = [part.to(torch.int8).view(torch.uint8) for part in maps[5:]]
    raw = torch.cat([*floats, *marks]).cpu().numpy()
    ends = np.cumsum([len(part) for part in (*floats, *marks)])[:-1]
    parts = np.split(raw, ends)
    return [*(part.view(np.float32) for part in parts[: len(floats)]), *parts[len(floats) :]]


def _put(found: Solution, rows: slice, parts: list[NDArray[np.generic]]) -> None:
    """A band into the maps."""
    for part, to in zip(parts, _arrays(found), strict=True):
        band = to[rows]
        band[...] = part.view(to.dtype).reshape(band.shape)


def _arrays(found: Solution) -> tuple[NDArray[np.generic], ...]:
    """In the order of `Maps`."""
    floats = (found.normals, found.albedo, found.sigma_rad, found.chi2, found.gloss)
    return (*floats, found.lights_used, found.gloss_light, found.clipped, found.dark, found.valid)
