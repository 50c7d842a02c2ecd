"""Arrays as pictures inside a page."""

import base64

import cv2
import numpy as np

from .maps import Bools, Bytes, Floats

SLOPE_STEPS = 511
"""Codes on each side of zero: 10 bits per component. `pixels.js` and `card.frag.glsl` know it too."""

LOSSLESS = 101  # OpenCV's way of asking for lossless WebP


def encode_normals(normals: Floats, valid: Bools) -> Bytes:
    """Unit normals in three bytes: x and y, from which z follows.

    A component c becomes the code `512 + round(511 * sign(c) * sqrt(|c|))`, so that the steps are finest
    where the card is flat: 0.016 degrees at a tilt of 0.3, 0.07 at 5. Its upper eight bits are red (x) and
    green (y), its lower two lie in blue (x in bits 2 and 3, y in bits 0 and 1). A blue byte of 255 marks a
    pixel that was not measured.
    """
    components = np.nan_to_num(normals[..., :2], nan=0.0, posinf=0.0, neginf=0.0)
    root = np.sign(components) * np.sqrt(np.minimum(np.abs(components), 1.0))
    codes = (512 + np.rint(SLOPE_STEPS * root)).astype(np.uint16)
    low = ((codes[..., 0] & 3) << 2) | (codes[..., 1] & 3)
    picture = np.dstack([codes[..., 0] >> 2, codes[..., 1] >> 2, low]).astype(np.uint8)
    picture[~valid] = (128, 128, 255)
    return picture


def decode_normals(picture: Bytes) -> tuple[Floats, Bools]:
    """What the page reads back: unit normals (H, W, 3) and the measured pixels."""
    valid = picture[..., 2] != 255
    low = picture[..., 2].astype(np.int32)
    high = picture[..., :2].astype(np.int32) << 2
    codes = high | np.dstack([(low >> 2) & 3, low & 3])
    root = (codes - 512) / SLOPE_STEPS
    xy = np.where(valid[..., None], np.sign(root) * root**2, 0.0)
    z = np.sqrt(np.maximum(0.0, 1.0 - (xy**2).sum(axis=2)))
    return np.dstack([xy, z]).astype(np.float32), valid


def encode_srgb(linear: Floats) -> Bytes:
    """Linear 0..1 to sRGB bytes (IEC 61966-2-1); values outside are clipped, NaN becomes 0."""
    clipped = np.clip(np.nan_to_num(linear, nan=0.0), 0.0, 1.0)
    curved = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * curved), np.uint8)


def with_alpha(rgb: Bytes, valid: Bools) -> Bytes:
    """The picture with everything that was not measured transparent."""
    return np.dstack([rgb, np.where(valid, 255, 0).astype(np.uint8)])


def webp_uri(picture: Bytes, quality: int) -> str:
    """RGB or RGBA bytes as a data URI; `quality` 1 to 100, or `LOSSLESS`."""
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return _uri(cv2.cvtColor(picture, order), ".webp", "image/webp", [cv2.IMWRITE_WEBP_QUALITY, quality])


def _uri(picture: cv2.typing.MatLike, suffix: str, media_type: str, options: list[int]) -> str:
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise ValueError(f"OpenCV cannot encode a picture of shape {picture.shape} as {media_type}")
    return f"data:{media_type};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
