"""A colour chart in a picture: found by its frame's four markers, and what the camera sees of its patches."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ...card.geometry import pixels_to_plane, plane_to_pixels
from ...documents.boards import ChartSpec
from ...documents.fault import StationError
from ...documents.profile import CameraProfile

Array = NDArray[np.float64]

_LONGEST_PX, _SHORT_PX = 1400, 700
_STEPS = 24
"""Samples along each side of a patch."""
_LEAST_SEEN = 0.5
"""Of a patch's samples; the rest may be clipped or outside of the picture."""
_FARTHEST_MM = 1.0
"""By which a marker's corner may lie beside its place: more, and the frame is not the one described."""


@dataclass(frozen=True, slots=True)
class Patches:
    """What the camera saw of a chart.

    Attributes:
        reflectance: (N, 3), mean over each patch, row by row; NaN: it could not be seen.
        sigma: (N, 3), standard uncertainty of that mean.
        uneven: (N,), largest difference between a patch's quarters, share of its mean: dirt, shine, or a
            frame that was laid down askew; NaN like the rest.
    """

    reflectance: Array
    sigma: Array
    uneven: Array


def measure_chart(picture_ratio: NDArray[np.floating], camera: CameraProfile, spec: ChartSpec) -> Patches:
    """Find the chart and take the mean of each patch.

    Args:
        picture_ratio: (H, W, 3), linear codes divided by the flat field; NaN where a pixel is clipped.
        camera: whose picture it is, for its distortion and the plane the chart lies on.
        spec: the chart and its frame.

    Raises:
        StationError: `calibration_failed`, the four markers are not all there, or not where they should be.
    """
    if picture_ratio.ndim != 3 or picture_ratio.shape[2] != 3:
        raise ValueError(f"a chart takes a picture in colour, not an array of shape {picture_ratio.shape}")
    seen = _markers(picture_ratio, spec)
    on_chart = np.concatenate([_marker_mm(spec, place) for place in range(4)])
    on_plane = pixels_to_plane(camera, np.concatenate(seen), 0.0)
    homography, _ = cv2.findHomography(on_chart, on_plane)
    off = np.linalg.norm(_through(np.asarray(homography), on_chart) - on_plane, axis=1).max()
    if off > _FARTHEST_MM:
        raise StationError(
            "calibration_failed",
            f"the markers of the chart's frame lie {off:.1f} mm beside their places; is it the frame of "
            f"{spec.name}?",
        )
    places = _through(np.asarray(homography), _samples_mm(spec).reshape(-1, 2))
    return _patches(picture_ratio, plane_to_pixels(camera, places, 0.0), spec)


def _markers(picture: NDArray[np.floating], spec: ChartSpec) -> list[Array]:
    """Corners (4, 2) in pixels of each marker, clockwise from the upper left one as the chart lies."""
    grey = np.nan_to_num(picture.mean(axis=2), nan=float(np.nanmax(picture))).astype(np.float32)
    longest = max(grey.shape)
    share = min(_LONGEST_PX / longest, 2.0 if longest < _SHORT_PX else 1.0)
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    small = cv2.resize(grey, None, fx=share, fy=share, interpolation=way)
    low, high = np.percentile(small, (1, 99))
    even = np.clip((small - low) * (235 / max(high - low, 1e-6)) + 10, 0, 255).astype(np.uint8)
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, spec.dictionary))
    corners, numbers, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(even)
    factors = np.array(grey.shape[::-1]) / np.array(even.shape[::-1])
    known = [] if numbers is None else [int(number) for number in np.ravel(numbers)]
    missing = [number for number in spec.markers if known.count(number) != 1]
    if missing:
        raise StationError(
            "calibration_failed",
            f"marker {missing[0]} of the chart's frame is not in the picture just once; "
            f"all of {', '.join(str(number) for number in spec.markers)} must be seen",
        )
    return [
        (np.asarray(corners[known.index(number)], np.float64).reshape(4, 2) + 0.5) * factors - 0.5
        for number in spec.markers
    ]


def _marker_mm(spec: ChartSpec, place: int) -> Array:
    """Corners (4, 2) of a marker on the chart, clockwise from its upper left."""
    (wide, tall), side = spec.frame_mm, spec.marker_mm
    x, y = ((0.0, 0.0), (wide - side, 0.0), (wide - side, tall - side), (0.0, tall - side))[place]
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def _samples_mm(spec: ChartSpec) -> Array:
    """(patches, steps, steps, 2) on the chart."""
    within = ((np.arange(_STEPS) + 0.5) / _STEPS - 0.5) * spec.patch_mm
    grid = np.stack(np.meshgrid(within, within), axis=-1)
    row, column = np.divmod(np.arange(spec.rows * spec.columns), spec.columns)
    centres = np.array(spec.first_mm) + np.column_stack([column, row]) * spec.step_mm
    return np.asarray(centres[:, None, None] + grid, np.float64)


def _through(homography: Array, places: Array) -> Array:
    lifted = np.column_stack([places, np.ones(len(places))]) @ homography.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def _patches(picture: NDArray[np.floating], pixels: Array, spec: ChartSpec) -> Patches:
    where = pixels[:, ::-1].T
    planes = [
        map_coordinates(picture[..., channel], where, order=1, cval=np.nan, output=np.float64)
        for channel in range(3)
    ]
    samples = np.stack(planes, axis=-1).reshape(len(spec.srgb), _STEPS, _STEPS, 3)
    seen = np.asarray(np.isfinite(samples).all(axis=3), bool)
    enough = seen.mean(axis=(1, 2)) >= _LEAST_SEEN
    kept = np.ma.masked_array(samples, np.repeat(~seen[..., None], 3, axis=3))
    mean = np.ma.filled(kept.mean(axis=(1, 2)), np.nan)
    spread = np.ma.filled(kept.std(axis=(1, 2)), np.nan)
    half = _STEPS // 2
    quarters = kept.reshape(len(samples), 2, half, 2, half, 3).mean(axis=(2, 4, 5)).reshape(len(samples), 4)
    uneven = np.ma.filled(quarters.max(axis=1) - quarters.min(axis=1), np.nan)
    mean[~enough] = np.nan
    pixels_in = _pixels_in_a_patch(pixels, len(samples))
    overall = np.maximum(mean.mean(axis=1), 1e-6)
    return Patches(mean, spread / np.sqrt(np.minimum(pixels_in, _STEPS**2))[:, None], uneven / overall)


def _pixels_in_a_patch(pixels: Array, count: int) -> Array:
    """Independent samples there are at most: a small patch has fewer pixels than it was sampled at."""
    corners = pixels.reshape(count, _STEPS, _STEPS, 2)[:, [0, 0, -1, -1], [0, -1, -1, 0]]
    x, y = corners[..., 0], corners[..., 1]
    area = np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2
    return np.asarray(np.maximum(area * (_STEPS / (_STEPS - 1)) ** 2, 1.0), np.float64)
