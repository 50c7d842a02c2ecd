"""A stack that is solved while it is taken: each light does its share while the next one is being exposed.

What least squares needs of a light is its codes times a matrix that the field alone decides; so that share is
done as soon as the frame is there, and after the last light only lengths are left to be taken. The frames lie
ready in one piece for `solve`, which must see all of them before it can tell an outlier.
"""

import numpy as np
from numpy.typing import NDArray

from ._growing import grow_pass, grown_pass, matrix_pass
from ._jit import aligned
from .linear import Quick, fitting_maps, fixed_table
from .stack import Codes, Floats, LightField, Pictures, Sensor, check_field, unusable


class Growing:
    """Pictures of one channel, and their least squares, one light after another in any order.

    Args:
        field: what all the lights do.
        sensor: that takes the pictures.
        shape: height and width of every picture.
        ambient: (H, W), all lights off; None: the black level is all there is without light.
        dtype: of all pictures.

    Raises:
        StationError: `stack_unusable`: the ambient picture or the field does not fit.
    """

    def __init__(
        self, field: LightField, sensor: Sensor, shape: tuple[int, int], ambient: Codes | None,
        dtype: type[np.uint8] | type[np.uint16] = np.uint8,
    ) -> None:  # fmt: skip
        if ambient is not None and (ambient.shape != shape or ambient.dtype != dtype):
            raise unusable(
                f"the ambient picture is {ambient.dtype} {ambient.shape}, not {dtype.__name__} {shape}"
            )
        height, width = shape
        self._lit: Codes = aligned((len(field.flat), height, width, 1), dtype)
        check_field(field, self._lit)
        self._ambient, self._sensor = ambient, sensor
        table = fixed_table(field, width)
        lights, _, rows, columns = table.shape
        self._matrix: Floats = np.empty((lights, 3, rows, columns), np.float32)
        matrix_pass(table, self._matrix)
        self._sums: Floats = np.zeros((height, 3, width), np.float32)
        self._peaks: Codes = np.zeros(shape, dtype)
        self._taken: set[int] = set()

    @property
    def missing(self) -> list[int]:
        """Lights that have not come yet."""
        return [light for light in range(len(self._lit)) if light not in self._taken]

    def add(self, light: int, frame: Codes) -> None:
        """Do a light's share.

        Raises:
            StationError: `stack_unusable`: no such light, one that was there before, or a frame that does not
                fit. Nothing is added then.
        """
        if light not in self.missing:
            raise unusable(f"light {light} is none of {len(self._lit)}, or its picture was there before")
        shape = self._lit.shape[1:3]
        if frame.shape != shape or frame.dtype != self._lit.dtype:
            raise unusable(
                f"the picture of light {light} is {frame.dtype} {frame.shape}, not {self._lit.dtype} {shape}"
            )
        self._lit[light, ..., 0] = frame
        self._taken.add(light)
        dark = (
            np.empty((0, 0), self._lit.dtype)
            if self._ambient is None
            else np.ascontiguousarray(self._ambient)
        )
        black = np.array([self._sensor.black_level], np.float32)
        own = self._matrix[light : light + 1]
        grow_pass(self._lit[light, ..., 0], dark, own, black, self._sums, self._peaks)

    def least_squares(self, out: Quick | None = None) -> Quick:
        """What `linear.least_squares` says of the same pictures, within 0.01 degrees where nodes are close.

        Raises:
            StationError: `stack_unusable`, a light is missing.
        """
        self._complete()
        height, width = self._peaks.shape
        maps = fitting_maps(out, height, width)
        rows = (maps.normals.reshape(height, 3 * width), maps.albedo, maps.marks)
        grown_pass(self._sums, self._peaks, np.float32(self._sensor.clipped_from), rows, maps.streamable)
        return maps

    def pictures(self) -> Pictures:
        """All of them, for `solve`; nothing is copied.

        Raises:
            StationError: `stack_unusable`, a light is missing.
        """
        self._complete()
        dark: NDArray[np.generic] | None = None if self._ambient is None else self._ambient[..., None]
        return Pictures(self._lit, dark, self._sensor)

    def _complete(self) -> None:
        if self.missing:
            raise unusable(f"the pictures of the lights {self.missing} are missing")
