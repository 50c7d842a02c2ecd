"""A chrome sphere as a mirror: where it stands, and where it shows a near light.

The camera is exact: perspective, pose and lens distortion as in `station.card.geometry`. Centres and places
are millimetres in the mat frame.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...card.geometry import camera_matrix, pixels_to_plane
from ...documents.profile import CameraProfile

Array = NDArray[np.float64]

OUTLINE_POINTS = 24
"""Points of the outline that the ellipse is laid through; 18 give the centre of 720 to rounding."""
CENTRE_ROUNDS = 3
"""The first leaves an error of 1e-5 mm, the second none that counts."""
NEWTON_ROUNDS = 5
"""Two reach rounding for lights beyond ten radii; the rest is for those nearer."""


def eye_mm(camera: CameraProfile) -> Array:
    """The camera's centre of projection (3,)."""
    rotation = np.asarray(cv2.Rodrigues(np.array(camera.rotation))[0], np.float64)
    return np.asarray(-rotation.T @ np.array(camera.translation_mm), np.float64)


def rays(camera: CameraProfile, uv: NDArray[np.floating]) -> Array:
    """Unit vectors (N, 3) from the camera through pixels (N, 2)."""
    on_mat = pixels_to_plane(camera, uv, 0.0)
    ways = np.column_stack([on_mat, np.zeros(len(on_mat))]) - eye_mm(camera)
    return np.asarray(ways / np.linalg.norm(ways, axis=1, keepdims=True), np.float64)


def project(camera: CameraProfile, places_mm: NDArray[np.floating]) -> Array:
    """The pixels (..., 2) in which places (..., 3) appear."""
    places = np.asarray(places_mm, np.float64)
    if places.size == 0:
        return np.empty((*places.shape[:-1], 2))
    pixels, _ = cv2.projectPoints(
        places.reshape(-1, 3),
        np.array(camera.rotation),
        np.array(camera.translation_mm),
        camera_matrix(camera),
        np.array(camera.distortion),
    )
    return np.asarray(pixels, np.float64).reshape(*places.shape[:-1], 2)


def outline_centre_px(camera: CameraProfile, centre_mm: Array, radius_mm: float) -> Array:
    """Centre (2,) of the ellipse that fits a sphere's outline in the picture best.

    The outline is the picture of the circle in which the cone of the camera's rays touches the sphere.
    """
    way = centre_mm - eye_mm(camera)
    distance = float(np.linalg.norm(way))
    toward = way / distance
    side = np.cross(toward, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    other = np.cross(toward, side)
    angle = np.linspace(0.0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)[:, None]
    circle_mm = radius_mm * np.sqrt(1.0 - (radius_mm / distance) ** 2)
    circle = (
        centre_mm
        - toward * radius_mm**2 / distance
        + circle_mm * (np.cos(angle) * side + np.sin(angle) * other)
    )
    return _ellipse_centre(project(camera, circle))


def _ellipse_centre(points: Array) -> Array:
    """Of the conic through points (N, 2), in the sense of least squares."""
    middle, size = points.mean(axis=0), points.std()
    x, y = ((points - middle) / size).T
    a, b, c, d, e = np.linalg.lstsq(np.column_stack([x * x, x * y, y * y, x, y]), np.ones(len(x)))[0]
    centre = np.linalg.solve([[2 * a, b], [b, 2 * c]], [-d, -e])
    return np.asarray(middle + size * centre, np.float64)


def sphere_centre_mm(
    camera: CameraProfile, outline_px: tuple[float, float], radius_mm: float, rests_on_mm: float
) -> Array:
    """The centre (3,) of a sphere that lies on a level sheet, from the centre of its outline's ellipse.

    Args:
        camera: calibrated.
        outline_px: centre of the ellipse.
        radius_mm: of the sphere.
        rests_on_mm: height of the sheet over the mat.
    """
    height_mm = rests_on_mm + radius_mm
    seen = np.array(outline_px, np.float64)
    place = pixels_to_plane(camera, seen[None], height_mm)[0]
    for _ in range(CENTRE_ROUNDS):
        shown = outline_centre_px(camera, np.append(place, height_mm), radius_mm)
        there, wanted = pixels_to_plane(camera, np.stack([shown, seen]), height_mm)
        place = place + wanted - there
    return np.append(place, height_mm)


def reflection_points(eye: Array, centres_mm: Array, radii_mm: Array, lights_mm: Array) -> Array:
    """Where spheres mirror lights into the eye: places (..., 3) on the spheres.

    The point lies in the plane of eye, centre and light. With phi its angle from the eye's direction and
    gamma the light's, both as seen from the centre, the law of reflection says that the normal stands at
    equal angles to the ways to the eye and to the light; Newton's method on phi.

    Args:
        eye: (3,).
        centres_mm: (..., 3).
        radii_mm: (...).
        lights_mm: (..., 3), broadcast against the centres.
    """
    to_eye, to_light = np.broadcast_arrays(eye - centres_mm, lights_mm - centres_mm)
    eye_far, light_far = np.linalg.norm(to_eye, axis=-1), np.linalg.norm(to_light, axis=-1)
    first = to_eye / eye_far[..., None]
    across = to_light - np.sum(to_light * first, axis=-1, keepdims=True) * first
    beside = np.linalg.norm(across, axis=-1)
    second = across / np.maximum(beside, 1e-12)[..., None]
    gamma = np.arctan2(beside, np.sum(to_light * first, axis=-1))
    phi = gamma / 2
    for _ in range(NEWTON_ROUNDS):
        out, out_slope = _incidence(phi, eye_far, radii_mm)
        back, back_slope = _incidence(gamma - phi, light_far, radii_mm)
        phi = phi - (out - back) / (out_slope + back_slope)
    normal = np.cos(phi)[..., None] * first + np.sin(phi)[..., None] * second
    return np.asarray(centres_mm + np.asarray(radii_mm)[..., None] * normal, np.float64)


def _incidence(phi: Array, distance: Array, radius: Array) -> tuple[Array, Array]:
    """Angle at a sphere's point between normal and the way to a place, and its derivative by phi.

    `phi` is the angle at the centre between the point and the place, `distance` that of the place.
    """
    along = distance * np.cos(phi) - radius
    angle = np.arctan2(distance * np.sin(phi), along)
    reach2 = distance**2 - 2 * distance * radius * np.cos(phi) + radius**2
    return angle, distance * (distance - radius * np.cos(phi)) / reach2


def highlights_px(camera: CameraProfile, centres_mm: Array, radii_mm: Array, lights_mm: Array) -> Array:
    """Where spheres (B, 3) of radii (B,) show lights (K, 3): pixels (B, K, 2)."""
    points = reflection_points(eye_mm(camera), centres_mm[:, None], radii_mm[:, None], lights_mm[None])
    return project(camera, points)


def mirrored_rays(
    camera: CameraProfile, centre_mm: Array, radius_mm: float, pixels: Array
) -> tuple[Array, Array]:
    """The rays of pixels (N, 2) after a sphere has mirrored them: origins and unit directions (N, 3).

    A pixel that misses the sphere, or is NaN, gives NaN.
    """
    eye = eye_mm(camera)
    seen = np.isfinite(pixels).all(axis=1)
    ray = np.full((len(pixels), 3), np.nan)
    ray[seen] = rays(camera, pixels[seen])
    along = ray @ (centre_mm - eye)
    missed2 = float(np.sum((centre_mm - eye) ** 2)) - along**2
    with np.errstate(invalid="ignore"):
        reach = along - np.sqrt(radius_mm**2 - missed2)
    origin = eye + reach[:, None] * ray
    normal = (origin - centre_mm) / radius_mm
    mirrored = ray - 2 * np.sum(ray * normal, axis=1, keepdims=True) * normal
    return origin, mirrored
