"""Where everything on the rig is, for its drawing."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..card.geometry import pixels_to_plane
from ..documents.plan import CARD_HEIGHT_MM
from ..documents.profile import CameraProfile
from .calibration_facts import CalibrationFacts, Points
from .plot import magnification

ELLIPSE_SHARE = 0.08
"""Largest semi-axis of a drawn uncertainty, as a share of the rig's half width."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What is drawn, in the mat frame; (K, 3) mm each. NaN in `sigmas` is not known."""

    positions: Points
    sigmas: Points
    axes: Points
    nominal: Points
    camera: Points
    seen: Points
    card_z: float

    @property
    def half_mm(self) -> float:
        """From the mat's centre to the outermost thing, sideways."""
        everything = np.vstack([self.positions, self.nominal, self.camera[None]])
        sideways = np.abs(everything[:, :2][np.isfinite(everything[:, :2])])
        return float(max(sideways.max(initial=0.0), 0.75 * CARD_HEIGHT_MM))

    @property
    def top_mm(self) -> float:
        """Height of the highest thing."""
        heights = np.concatenate([self.positions[:, 2], self.nominal[:, 2], self.camera[2:]])
        return float(max(heights[np.isfinite(heights)].max(initial=0.0), 0.5 * CARD_HEIGHT_MM))

    @property
    def times(self) -> float:
        """By how much the ellipses are enlarged."""
        known = self.sigmas[np.isfinite(self.sigmas)]
        return magnification(float(known.max(initial=0.0)), ELLIPSE_SHARE * self.half_mm)


def gather(facts: CalibrationFacts) -> Rig:
    """Everything that is drawn, from the profile and the layout."""
    lights, camera = facts.profile.lights, facts.profile.camera
    sigmas = np.full((len(lights), 3), np.nan)
    for fit in facts.profile.calibration.lights:
        if 0 <= fit.light < len(lights):
            sigmas[fit.light] = fit.position_sigma_mm
    nominal = facts.layout_positions_mm
    card_z = facts.profile.flat_field.plane_z_mm
    return Rig(
        positions=np.array([light.position_mm for light in lights], np.float64).reshape(-1, 3),
        sigmas=sigmas,
        axes=np.array([light.axis for light in lights], np.float64).reshape(-1, 3),
        nominal=np.empty((0, 3)) if nominal is None else np.asarray(nominal, np.float64),
        camera=_centre_of(camera),
        seen=_seen_by(camera, card_z),
        card_z=card_z,
    )


def _centre_of(camera: CameraProfile) -> Points:
    rotation = np.asarray(cv2.Rodrigues(np.array(camera.rotation))[0], np.float64)
    return np.asarray(-rotation.T @ np.array(camera.translation_mm), np.float64)


def _seen_by(camera: CameraProfile, z_mm: float) -> Points:
    """The corners of the picture on the card's plane: (4, 3)."""
    right, bottom = camera.width_px - 1, camera.height_px - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # a camera that looks past the plane sees none of it
        return np.column_stack([pixels_to_plane(camera, corners, z_mm), np.full(4, z_mm)])
