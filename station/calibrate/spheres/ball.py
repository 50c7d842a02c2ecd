"""Where a sphere's outline lies in its pictures, to a fraction of a pixel.

A hint says roughly where; the outline itself is measured: along rays from the middle, in the mean, the
brightest and the standard deviation over the lights, edges of either sign are looked for, a circle that many
of them share is found, and a circle (or, where enough of it shows, an ellipse) is fitted to them robustly.
What a hint is wrong by does not enter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...documents.fault import StationError
from .circle_fit import CircleFit, fit_circle
from .composites import Bools, Composites, Floats
from .radial_edges import SMOOTH_PX, Edges, edges_near

Array = NDArray[np.float64]

WINDOW = 0.12
"""Of the radius: how far from the hint an edge may lie, at least `WINDOW_PX`."""
WINDOW_PX = 6.0
AGREE_PX = 1.0
NEAR_PX = 2.5
LEAST_COVERAGE = 0.45
"""Of the circumference. In noise alone, 0.44 agree at a radius of 15 pixels and 0.28 at 80."""
OVAL_COVERAGE = 0.8
"""An arc shorter than this share cannot tell an ellipse from a circle that is shifted."""
_TRIES = 400
_PER_RAY = 3


@dataclass(frozen=True, slots=True)
class Circle:
    """Roughly where a sphere is: centre and radius in pixels."""

    x_px: float
    y_px: float
    radius_px: float

    @property
    def values(self) -> tuple[float, float, float]:
        """The three of them."""
        return self.x_px, self.y_px, self.radius_px


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a sphere ends in its pictures.

    Attributes:
        x_px, y_px: centre.
        radius_px: mean radius.
        oval_px: the radius at angle t, from x to the right towards y down, is
            `radius_px + oval_px[0] cos 2t + oval_px[1] sin 2t`, an ellipse to first order.
        covariance: (3, 3) of centre and radius, px^2, from the residuals along the outline and from what the
            composites disagree by.
        residual_px: root mean square of the edge points about the outline.
        coverage: share of the circumference on which an edge was found.
    """

    x_px: float
    y_px: float
    radius_px: float
    oval_px: tuple[float, float]
    covariance: Array
    residual_px: float
    coverage: float

    @property
    def sigma_px(self) -> tuple[float, float, float]:
        """Standard uncertainties of centre and radius."""
        x, y, radius = np.sqrt(np.diag(self.covariance)).tolist()
        return x, y, radius

    @property
    def circle(self) -> Circle:
        """The outline without its oval."""
        return Circle(self.x_px, self.y_px, self.radius_px)

    def inside(self, shape: tuple[int, int], share: float = 1.0) -> Bools:
        """The pixels (H, W) nearer to the centre than `share` of the radius."""
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        apart = np.hypot(columns - self.x_px, rows - self.y_px)
        return np.asarray(apart < share * self.radius_px)


def circle_of_mask(mask: NDArray[np.bool_], shape: tuple[int, int]) -> Circle:
    """The circle of the same middle and area.

    Raises:
        StationError: `calibration_failed`: the mask has another size than the pictures, or is empty.
    """
    if mask.shape != shape:
        raise StationError(
            "calibration_failed",
            f"the mask is {mask.shape[1]} x {mask.shape[0]} pixels large, and the pictures are "
            f"{shape[1]} x {shape[0]}",
        )
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise StationError("calibration_failed", "the mask is empty: it is to be bright where the sphere is")
    return Circle(float(columns.mean()), float(rows.mean()), float(np.sqrt(len(rows) / np.pi)))


def refit(seen: Composites, near: Circle, window: float = WINDOW) -> Outline:
    """The outline near a circle.

    Args:
        seen: the pictures.
        near: where it is looked for.
        window: how far from there its edges may lie, as a share of the radius.

    Raises:
        StationError: `calibration_failed`, there is no such outline.
    """
    reach = max(window * near.radius_px, WINDOW_PX)
    start = _shared_circle(seen.for_edges(), near, reach)
    fits = [] if start is None else [(measured(image, start), image) for image in seen.for_edges()]
    found = [(fit, _coverage(image, _circle_of(fit))) for fit, image in fits if fit is not None]
    good = [(fit, coverage) for fit, coverage in found if coverage >= LEAST_COVERAGE]
    if not good:
        raise not_found(near)
    return _joined([fit for fit, _ in good], max(coverage for _, coverage in good))


def not_found(near: Circle) -> StationError:
    """The error where no outline shows."""
    return StationError(
        "calibration_failed",
        f"no outline of a sphere shows around x {near.x_px:.0f}, y {near.y_px:.0f} with a radius of "
        f"{near.radius_px:.0f} pixels",
    )


def _shared_circle(images: Sequence[Floats], near: Circle, reach: float) -> Circle | None:
    """The circle on which the most rays have an edge, in all composites together."""
    found = [edges_near(image, near.values, reach, _PER_RAY) for image in images]
    rays = found[0][1]
    sets = [edges for edges, _ in found if len(edges.ray) >= _PER_RAY]
    if not sets:
        return None
    tries = np.concatenate([_through_three(edges, rays) for edges in sets])
    apart = np.hypot(tries[:, 0] - near.x_px, tries[:, 1] - near.y_px) + np.abs(tries[:, 2] - near.radius_px)
    tries = tries[apart < reach]
    if not len(tries):
        return None
    counts = np.stack([_rays_on(edges, tries) for edges in sets])
    best = int(np.argmax(counts.max(axis=0) + 0.1 * counts.mean(axis=0)))
    return Circle(*tries[best].tolist())


def _through_three(edges: Edges, rays: int) -> Array:
    """Circles (tries, 3) through points of three rays that are far apart."""
    chance = np.random.default_rng(len(edges.ray))
    pick = chance.integers(0, len(edges.ray), (4 * _TRIES, 3))
    ray = np.sort(edges.ray[pick], axis=1)
    gaps = np.stack([ray[:, 1] - ray[:, 0], ray[:, 2] - ray[:, 1], rays - ray[:, 2] + ray[:, 0]])
    pick = pick[(gaps > rays // 8).all(axis=0)][:_TRIES]
    a, b, c = ((edges.x[column] + 1j * edges.y[column]) for column in pick.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = (c - a) / (b - a)
        centre = a + (b - a) * (w - np.abs(w) ** 2) / (2j * w.imag)
    circles = np.stack([centre.real, centre.imag, np.abs(a - centre)], axis=1)
    return np.asarray(circles[np.isfinite(circles).all(axis=1)])


def _rays_on(edges: Edges, circles: Array) -> NDArray[np.intp]:
    """How many rays have an edge on each of the circles (N, 3)."""
    x, y, radius = circles.T[:, :, None]
    on = np.abs(np.hypot(edges.x - x, edges.y - y) - radius) < AGREE_PX
    _, first = np.unique(edges.ray, return_index=True)
    return np.asarray(np.logical_or.reduceat(on, first, axis=1).sum(axis=1))


def measured(image: Floats, start: Circle) -> CircleFit | None:
    """The circle or ellipse through a picture's edges nearest to a circle; None where there are too few."""
    circle, fit = start, None
    for _ in range(3):
        edges, rays = edges_near(image, circle.values, NEAR_PX + 2 * SMOOTH_PX, 2)
        off = np.abs(np.hypot(edges.x - circle.x_px, edges.y - circle.y_px) - circle.radius_px)
        order = np.lexsort((off, edges.ray))
        order = order[off[order] < NEAR_PX]
        _, first = np.unique(edges.ray[order], return_index=True)
        kept = order[first]
        if len(kept) < LEAST_COVERAGE * rays:
            return None
        full = len(kept) > OVAL_COVERAGE * rays
        fit = fit_circle(edges.x[kept], edges.y[kept], circle.values, oval=full)
        circle = _circle_of(fit)
    return fit


def _circle_of(fit: CircleFit) -> Circle:
    return Circle(*fit.values[:3].tolist())


def _coverage(image: Floats, circle: Circle) -> float:
    """The share of the rays whose strongest edge far and wide is that of the circle."""
    edges, rays = edges_near(image, circle.values, WINDOW_PX, 1)
    row = np.array([circle.values])
    return float(_rays_on(edges, row)[0]) / rays if len(edges.ray) else 0.0


def _joined(fits: Sequence[CircleFit], coverage: float) -> Outline:
    """The mean of what the composites say, each by its own certainty.

    They show the same edge, so that they are not more certain together than each alone; what they disagree
    by is added.
    """
    weights = np.array([1.0 / np.trace(fit.covariance[:3, :3]) for fit in fits])
    weights /= weights.sum()
    values = np.array([fit.values for fit in fits])
    mean = weights @ values
    apart = (values - mean)[:, :3]
    own = np.einsum("i,ijk->jk", weights, np.array([fit.covariance[:3, :3] for fit in fits]))
    covariance = own + np.einsum("i,ij,ik->jk", weights, apart, apart)
    x, y, radius, cos2, sin2 = mean.tolist()
    residual = float(np.sqrt(weights @ np.array([fit.residual_px**2 for fit in fits])))
    return Outline(x, y, radius, (cos2, sin2), covariance, residual, coverage)
