"""Pictures as a camera's driver gives them out."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8] | NDArray[np.uint16]
JPEG_QUALITY = 95


def encode(picture: Picture, fourcc: str) -> bytes:
    """RGB (H, W, 3), uint8 or uint16 -> the bytes of one frame.

    YUYV is ITU-R BT.601 with limited range, as cameras send it; GREY and Y16 are the mean of the channels.

    Raises:
        ValueError: another format.
    """
    if fourcc == "Y16":
        scale = 257 if picture.dtype == np.uint8 else 1
        return (_grey(picture) * scale).astype(np.uint16).tobytes()
    eight = picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)
    if fourcc == "GREY":
        return _grey(eight).astype(np.uint8).tobytes()
    if fourcc == "YUYV":
        return _yuyv(np.asarray(eight, np.uint8))
    if fourcc == "MJPG":
        bgr = cv2.cvtColor(eight, cv2.COLOR_RGB2BGR)
        return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    raise ValueError(f"no camera of ours sends {fourcc}")


def _grey(picture: Picture) -> NDArray[np.float64]:
    return np.asarray(np.round(picture.mean(axis=2)), np.float64)


def _yuyv(picture: NDArray[np.uint8]) -> bytes:
    red, green, blue = (picture[..., channel].astype(np.float32) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - luma) * 0.564, (red - luma) * 0.713
    packed = np.empty((*luma.shape, 2), np.float32)
    packed[..., 0] = 16 + luma * 219 / 255
    packed[:, 0::2, 1] = 128 + (cb[:, 0::2] + cb[:, 1::2]) / 2 * 224 / 255
    packed[:, 1::2, 1] = 128 + (cr[:, 0::2] + cr[:, 1::2]) / 2 * 224 / 255
    return np.clip(np.round(packed), 0, 255).astype(np.uint8).tobytes()
