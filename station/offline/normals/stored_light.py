"""The pictures of a stored scan in the card's own frame, evened out by the flat field."""

from functools import cache

import numpy as np

from ...calibrate.profile import LoadedProfile
from ...card.geometry import pixels_to_plane, plane_to_pixels
from ...card.rectify import card_to_mat, frame_shape, frame_xy_mm, mat_to_card
from ...documents.scan import Outline
from ...photometric.lights import near_field
from ...report.colour import true_colours
from ...scan.pipeline import CARD_THICKNESS_MM, Stack, rectified_light_frames
from ...scan.window import sensor
from .spread import evened, nodes_along
from .surface import Array, Floats, Relighting

NODE_MM = 1.35


def relighting_of(stack: Stack, profile: LoadedProfile, outline: Outline, dpi: float) -> Relighting:
    """The pictures in true colours, resampled when the first is asked for; the lights' drift stays in."""
    positions = _lights_over_card(stack, profile, outline)
    directions = positions / np.linalg.norm(positions, axis=1, keepdims=True)

    @cache
    def frames() -> tuple[Floats, ...]:
        return rectified_light_frames(stack, profile, outline, dpi)

    @cache
    def flat() -> Floats:
        return _flat(stack, profile, outline, dpi)

    def picture(light: int) -> Floats:
        even = evened(frames()[light], flat()[light], float(directions[light, 2]))
        return true_colours(even, profile.profile.camera.colour)

    return Relighting(picture, directions, positions, files=None)


def _lights_over_card(stack: Stack, profile: LoadedProfile, outline: Outline) -> Array:
    """Places (K, 3) of the lights in the card's frame, from the middle of its face."""
    places = np.array([profile.profile.lights[light].position_mm for light in stack.light_indices])
    over = mat_to_card(outline, places[:, :2])
    return np.column_stack([over, places[:, 2] - CARD_THICKNESS_MM])


def _flat(stack: Stack, profile: LoadedProfile, outline: Outline, dpi: float) -> Floats:
    """Codes (K, rows, columns, 3) of a white matte card in place of this one, on a grid over it."""
    height, width = stack.ambient.shape[:2]
    fitted = profile.scaled(width, height)
    camera, target = fitted.profile.camera, fitted.profile.flat_field
    _, unit = sensor(fitted, stack.ambient.dtype)
    card = _grid(dpi)
    mat = card_to_mat(outline, card.reshape(-1, 2))
    pixels = plane_to_pixels(camera, mat, CARD_THICKNESS_MM)
    on_card = np.column_stack([mat, np.full(len(mat), CARD_THICKNESS_MM)])
    below = pixels_to_plane(camera, pixels, target.plane_z_mm)
    on_target = np.column_stack([below, np.full(len(mat), target.plane_z_mm)])
    codes = np.array(stack.lit_us) * unit / (target.exposure_us * target.reflectance)
    white = fitted.flat_at(pixels)[list(stack.light_indices)] * codes[:, None, None]
    lamps = [fitted.profile.lights[light] for light in stack.light_indices]
    field = near_field(lamps, on_card, white, on_target)
    return np.asarray(field.flat.reshape(len(lamps), *card.shape[:2], 3), np.float32)


def _grid(dpi: float) -> Array:
    """Points (rows, columns, 2) of the card frame, from corner pixel to corner pixel."""
    rows, columns = frame_shape(dpi)
    x, y = frame_xy_mm(dpi)
    every = max(1, round(NODE_MM * dpi / 25.4))
    across = np.interp(nodes_along(columns, every), np.arange(columns), x)
    up = np.interp(nodes_along(rows, every), np.arange(rows), y)
    return np.stack(np.meshgrid(across, up), axis=-1)
