"""What a webcam makes of its sensor's codes before anybody sees them."""

from dataclasses import dataclass

import cv2
import numpy as np

from .grid import Floats
from .sensor import Pixels, Sensor

SHARPEN_SIGMA_PX = 1.0
"""Of the copy that the unsharp mask subtracts, as webcams' sharpening of one or two pixels."""
BLACK_8, WHITE_8 = 16, 235
"""Codes of black and white in the limited range of video (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Isp:
    """The image signal processor of a camera; what is not said leaves the picture linear.

    Light over the black level is smoothed, goes through the power law, is sharpened, and is brought to the
    range of codes: what fell below black is lost, as it is in a camera that subtracts its black itself.

    Attributes:
        gamma: codes grow with the light to the power of 1 / gamma; 1 is linear.
        limited_range: whether codes run from 16 to 235 (of 255) only.
        sharpen: strength of an unsharp mask.
        denoise: sigma in pixels of the Gaussian that takes off noise, and detail with it.
        mirrored: whether left and right are exchanged, as for a selfie.
    """

    gamma: float = 1.0
    limited_range: bool = False
    sharpen: float = 0.0
    denoise: float = 0.0
    mirrored: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: a gamma that is not positive, or a negative strength.
        """
        if self.gamma <= 0 or self.sharpen < 0 or self.denoise < 0:
            raise ValueError("gamma must be positive; sharpening and smoothing must not be negative")

    @property
    def linear(self) -> bool:
        """Whether the sensor's own codes come out."""
        return not (self.gamma != 1 or self.limited_range or self.sharpen or self.denoise)

    def develop(self, codes: Pixels, bit_depth: int) -> Pixels:
        """Codes of the sensor at 16 bit (H, W, 3) to codes of the camera at 8 or 16 bit."""
        sensor = Sensor(16)
        span = np.float32(sensor.full_scale - sensor.black_level)
        light = (codes.astype(np.float32) - np.float32(sensor.black_level)) / span
        if self.denoise:
            light = _smooth(light, self.denoise)
        shown = np.clip(light, 0, 1) ** np.float32(1 / self.gamma)
        if self.sharpen:
            shown = shown + np.float32(self.sharpen) * (shown - _smooth(shown, SHARPEN_SIGMA_PX))
        black, white = (BLACK_8, WHITE_8) if self.limited_range else (0, 255)
        step = 1 if bit_depth == 8 else 256 if self.limited_range else 257
        coded = (black + (white - black) * np.clip(shown, 0, 1)) * np.float32(step) + np.float32(0.5)
        if bit_depth == 8:
            return np.asarray(coded, np.uint8)
        return np.asarray(coded, np.uint16)

    def turn(self, codes: Pixels) -> Pixels:
        """As the camera hands it out."""
        return codes[:, ::-1].copy() if self.mirrored else codes


def _smooth(picture: Floats, sigma_px: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)
