"""Directions of far lights from pictures of a chrome sphere.

Seen from far away, the sphere's normal where it mirrors a light is n = ((x - x0) / r, (y0 - y) / r, n_z), and
the light lies at l = 2 (n . v) n - v with v = (0, 0, 1): the law of reflection. The light is turned by twice
what the normal is, so that an error of d pixels in the spot against the centre turns it by about
2 d / (r n_z).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from .ball import Circle, Outline, circle_of_mask, refit
from .composites import Bools, Composites, Pictures, composites
from .highlight import RIVAL, Highlight, highlights_on
from .search import find_sphere

Array = NDArray[np.float64]

FEWEST_LIGHTS = 3
RIM = 0.97
"""Of the radius. Nearer to the outline the sphere mirrors what is behind it."""
BIG_CLIPPED = 0.08
"""Radius of a clipped spot as a share of the sphere's: a lamp of that size spans 18 degrees, or spills."""
NARROW = 0.1
"""Third singular value of the directions against the first; less, and normals depend on a hair's breadth."""


@dataclass(frozen=True, slots=True)
class SphereLights:
    """Where the lights are, from one sphere.

    Attributes:
        directions: (K, 3), unit, x right, y up, z to the camera; NaN where a light left no spot.
        covariance: (K, 3, 3) of each direction, all told.
        sigma_deg: (K,), root mean square angle by which a direction may be wrong, all told.
        shared_sigma_deg: what of that the outline's centre and radius do to all lights alike, root mean
            square over the lights.
        outline: of the sphere.
        highlights: one for each light.
        findings: what a person should know.
    """

    directions: Array
    covariance: Array
    sigma_deg: Array
    shared_sigma_deg: float
    outline: Outline
    highlights: tuple[Highlight | None, ...]
    findings: tuple[CalibrationFinding, ...]

    @property
    def centre_px(self) -> tuple[float, float]:
        """Of the outline."""
        return self.outline.x_px, self.outline.y_px

    @property
    def radius_px(self) -> float:
        """Of the outline."""
        return self.outline.radius_px

    @property
    def outline_sigma_px(self) -> tuple[float, float, float]:
        """Standard uncertainties of centre and radius."""
        return self.outline.sigma_px


def sphere_lights(
    pictures: Pictures,
    hint: Bools | Circle | tuple[float, float, float, float] | None = None,
    *,
    full_scale: float | None = None,
) -> SphereLights:
    """Directions of the K lights that a chrome sphere was photographed under.

    Args:
        pictures: K of (H, W) or (H, W, 3), linear, of a sphere that rests; gone through twice.
        hint: where the sphere is: a mask (H, W), a circle, or a box x0, y0, x1, y1; None: it is looked for.
        full_scale: highest code; None: of the pictures' type.

    Raises:
        StationError: `calibration_failed`: fewer than three lights, pictures or mask of another size, no
            sphere.
    """
    if len(pictures) < FEWEST_LIGHTS:
        raise StationError(
            "calibration_failed",
            f"{len(pictures)} pictures of the sphere are too few: at least {FEWEST_LIGHTS} lights are needed",
        )
    seen = composites(pictures)
    outline = refit(seen, near) if (near := _circle(hint, seen)) else find_sphere(seen)
    highlights = highlights_on(pictures, seen.least, outline, RIM, full_scale)
    directions, own, shared = _directions(highlights, outline)
    total = own + shared
    return SphereLights(
        directions=directions,
        covariance=total,
        sigma_deg=_degrees(total),
        shared_sigma_deg=float(np.sqrt(np.nanmean(_degrees(shared) ** 2))),
        outline=outline,
        highlights=highlights,
        findings=_findings(highlights, directions, outline),
    )


def reflected(normals: NDArray[np.floating]) -> Array:
    """Where light comes from that surfaces with these normals (..., 3) mirror straight to the camera."""
    n = np.asarray(normals, np.float64)
    return np.asarray(2.0 * n[..., 2:] * n - np.array([0.0, 0.0, 1.0]))


def sphere_normals(outline: Outline, shape: tuple[int, int]) -> Array:
    """The sphere's normals (H, W, 3), x right, y up, z to the camera; NaN outside its outline."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    across = (columns - outline.x_px) / outline.radius_px
    up = (outline.y_px - rows) / outline.radius_px
    with np.errstate(invalid="ignore"):
        return np.stack([across, up, np.sqrt(1.0 - across**2 - up**2)], axis=-1) + np.where(
            (across**2 + up**2 < 1.0)[..., None], 0.0, np.nan
        )


def _circle(
    hint: Bools | Circle | tuple[float, float, float, float] | None, seen: Composites
) -> Circle | None:
    if hint is None or isinstance(hint, Circle):
        return hint
    if isinstance(hint, tuple):
        x0, y0, x1, y1 = hint
        return Circle((x0 + x1) / 2, (y0 + y1) / 2, (abs(x1 - x0) + abs(y1 - y0)) / 4)
    return circle_of_mask(np.asarray(hint, bool), seen.shape)


def _directions(highlights: tuple[Highlight | None, ...], outline: Outline) -> tuple[Array, Array, Array]:
    """Directions (K, 3) and their covariances (K, 3, 3): the spot's own, and what the outline adds."""
    count = len(highlights)
    directions = np.full((count, 3), np.nan)
    own, shared = np.full((count, 3, 3), np.nan), np.full((count, 3, 3), np.nan)
    for number, spot in enumerate(highlights):
        if spot is None:
            continue
        x, y = (spot.x_px - outline.x_px) / outline.radius_px, (outline.y_px - spot.y_px) / outline.radius_px
        normal = np.array([x, y, np.sqrt(max(1.0 - x**2 - y**2, 0.0))])
        directions[number] = reflected(normal)
        turn = _slope(normal)
        by_spot = turn @ np.array([[1.0, 0.0], [0.0, -1.0]]) / outline.radius_px
        by_outline = turn @ np.array([[-1.0, 0.0, -x], [0.0, 1.0, -y]]) / outline.radius_px
        own[number] = spot.sigma_px**2 * by_spot @ by_spot.T
        shared[number] = by_outline @ outline.covariance @ by_outline.T
    return directions, own, shared


def _slope(normal: Array) -> Array:
    """How a light's direction changes with x and y of the normal, (3, 2)."""
    x, y, z = normal.tolist()
    z_by = np.array([-x, -y]) / max(z, 1e-6)
    n_by = np.array([[1.0, 0.0], [0.0, 1.0], z_by.tolist()])
    return np.asarray(2.0 * (z * n_by + np.outer(normal, z_by)))


def _degrees(covariance: Array) -> Array:
    return np.asarray(np.degrees(np.sqrt(np.trace(covariance, axis1=1, axis2=2))))


def _findings(
    highlights: tuple[Highlight | None, ...], directions: Array, outline: Outline
) -> tuple[CalibrationFinding, ...]:
    """Everything that a person should know."""
    spots = [(number, spot) for number, spot in enumerate(highlights) if spot is not None]
    groups: list[tuple[list[int], CalibrationFinding]] = [
        (
            [number for number, spot in enumerate(highlights) if spot is None],
            CalibrationFinding(
                kind="unlit",
                message="no light is mirrored in the sphere",
                next_step="See that the light burns and that the sphere mirrors it, then take it again.",
            ),
        ),
        (
            [number for number, spot in spots if spot.clipped_px > BIG_CLIPPED * outline.radius_px],
            CalibrationFinding(
                kind="clipped_highlight",
                message="the reflection is one large overexposed area, whose middle need not be the lamp's",
                next_step="Expose shorter, so that the reflection is a small spot.",
                severe=False,
            ),
        ),
        (
            [number for number, spot in spots if spot.rival > RIVAL],
            CalibrationFinding(
                kind="disagree",
                message="the sphere mirrors two lights of like brightness, and the larger was taken",
                next_step="Darken the room, and take away what shines or mirrors beside the sphere.",
                severe=False,
            ),
        ),
        (
            [number for number, spot in spots if directions[number, 2] <= 0],
            CalibrationFinding(
                kind="disagree",
                message="the reflection is so near to the outline that its light would be below the horizon",
                next_step="See that this is the lamp and not something else that the sphere mirrors.",
            ),
        ),
    ]
    found = [finding.replace(lights=tuple(lights)) for lights, finding in groups if lights]
    return (*found, *poor_spread(directions))


def poor_spread(directions: Array) -> tuple[CalibrationFinding, ...]:
    """Lights (K, 3), unit, in one plane or all near one place say little of a normal. NaN: not known."""
    known = directions[np.isfinite(directions).all(axis=1)]
    if len(known) < FEWEST_LIGHTS:
        return ()
    sizes = np.linalg.svd(known, compute_uv=False)
    if sizes[2] >= NARROW * sizes[0]:
        return ()
    return (
        CalibrationFinding(
            kind="poor_spread",
            message="the lights lie close together or in one line, so that normals from them would be noisy",
            next_step="Spread the lights around the camera, 45 to 65 degrees from its axis.",
            severe=False,
        ),
    )
