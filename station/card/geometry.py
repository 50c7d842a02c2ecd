"""Between the pixels of a picture and the millimetres of a plane above the mat.

Pinhole with OpenCV's five distortion coefficients (OpenCV, "Camera Calibration and 3D Reconstruction"): a mat
point X is `R X + t` in the camera frame (x right, y down, z forward); (0, 0) is the first pixel's centre.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.profile import CameraProfile

Points = NDArray[np.float64]

_UNDISTORT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-14)


def camera_matrix(camera: CameraProfile) -> Points:
    """The 3 x 3 matrix of the pinhole, in pixels."""
    fx, fy, cx, cy = camera.matrix
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def _rotation(camera: CameraProfile) -> Points:
    return np.asarray(cv2.Rodrigues(np.array(camera.rotation))[0], np.float64)


def pixels_to_plane(camera: CameraProfile, uv: NDArray[np.floating], z_mm: float) -> Points:
    """Where the rays of pixels (N, 2) meet the plane z = `z_mm`: (N, 2) mm, mat frame."""
    pixels = np.asarray(uv, np.float64).reshape(-1, 1, 2)
    if len(pixels) == 0:
        return np.empty((0, 2))
    ideal = cv2.undistortPoints(
        pixels, camera_matrix(camera), np.array(camera.distortion), criteria=_UNDISTORT
    ).reshape(-1, 2)
    rays = np.column_stack([ideal, np.ones(len(ideal))]) @ _rotation(camera)
    centre = -_rotation(camera).T @ np.array(camera.translation_mm)
    reach = (z_mm - centre[2]) / rays[:, 2]
    return np.asarray(centre[:2] + reach[:, None] * rays[:, :2], np.float64)


def plane_to_pixels(camera: CameraProfile, xy_mm: NDArray[np.floating], z_mm: float) -> Points:
    """The pixels (N, 2) in which points (N, 2) mm of the plane z = `z_mm` appear."""
    flat = np.asarray(xy_mm, np.float64).reshape(-1, 2)
    if len(flat) == 0:
        return np.empty((0, 2))
    points = np.column_stack([flat, np.full(len(flat), float(z_mm))])
    pixels, _ = cv2.projectPoints(
        points,
        np.array(camera.rotation),
        np.array(camera.translation_mm),
        camera_matrix(camera),
        np.array(camera.distortion),
    )
    return np.asarray(pixels, np.float64).reshape(-1, 2)


def pitch_mm(camera: CameraProfile, xy_mm: tuple[float, float], z_mm: float) -> float:
    """Side of the square on the plane that one pixel covers around a point."""
    step = 0.05
    around = np.array(xy_mm) + step * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    right, left, up, down = plane_to_pixels(camera, around, z_mm)
    jacobian = np.column_stack([right - left, up - down]) / (2 * step)
    return float(1.0 / np.sqrt(abs(np.linalg.det(jacobian))))


def sampled_dpi(camera: CameraProfile, z_mm: float) -> float:
    """Pixels per inch of the plane z = `z_mm` at the centre of the picture."""
    middle = np.array([[(camera.width_px - 1) / 2, (camera.height_px - 1) / 2]])
    x, y = pixels_to_plane(camera, middle, z_mm)[0]
    return 25.4 / pitch_mm(camera, (float(x), float(y)), z_mm)
