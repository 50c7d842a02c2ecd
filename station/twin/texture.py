"""One side of a card as arrays: made from its design, looked at by the renderer and by the truth."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import art, flaws
from .canvas import reflectance
from .chance import stream
from .design import Design
from .grid import CardGrid, Floats
from .surface import edge_distance_mm, noise_field, warp_mm

INK_EDGE_MM = 0.02
"""How far ink creeps: Gaussian sigma of the edge of a printed layer."""
TEXT_INK = np.array([0.022, 0.022, 0.026], np.float32)


@dataclass(frozen=True, slots=True)
class Texture:
    """The card's face over `grid`, card frame; all float32.

    Attributes:
        height_um: (H, W) over the nominal plane, warp included.
        slope_x, slope_y: (H, W) dz/dx and dz/dy, y upwards.
        albedo: (H, W, 3) linear reflectance.
        roughness: (H, W) GGX alpha.
        gloss, foil: (H, W) 0 to 1.
        coverage: (H, W) share of the texel that the card covers.
    """

    grid: CardGrid
    height_um: Floats
    slope_x: Floats
    slope_y: Floats
    albedo: Floats
    roughness: Floats
    gloss: Floats
    foil: Floats
    coverage: Floats


def build(design: Design, dpi: float) -> Texture:
    """Make the face at twice the resolution of `dpi`."""
    grid = CardGrid(dpi)
    depth = edge_distance_mm(design.body, grid.x_mm(), grid.y_mm())
    face = _print(design, grid, depth)
    for flaw in design.flaws:
        flaws.apply(face, flaw)
    height = face.height_um + 1000 * warp_mm(design.body, grid.x_mm(), grid.y_mm())
    slope_x, slope_y = _slopes(height, grid.pitch_mm)
    coverage = np.clip(0.5 + depth / grid.pitch_mm, 0, 1).astype(np.float32)
    return Texture(
        grid, height, slope_x, slope_y, face.albedo, face.roughness, face.gloss, face.foil, coverage
    )


def _print(design: Design, grid: CardGrid, depth: Floats) -> flaws.Face:
    spec = design.spec
    canvas = art.paint(design, grid)
    albedo = reflectance(canvas.rgb)
    text = np.asarray(canvas.text / 255, np.float32)
    written = text > 0
    share = min(1.0, spec.unkind.text_contrast) * text[written, None]
    albedo[written] += share * (TEXT_INK - albedo[written])
    coat = stream(spec.seed, "coat").uniform(0.06, 0.11)
    fray = noise_field(grid, 0.25, seed=spec.seed, name=f"fray {spec.side}")
    foil = np.zeros_like(text)
    if spec.unkind.foil and spec.side == "front":
        foil[canvas.window(*art.art_window(art.print_frame(design)))] = 1
    return flaws.Face(
        grid=grid,
        height_um=_relief(design, grid, canvas.ink, text),
        albedo=albedo,
        roughness=np.full_like(text, coat),
        gloss=np.full_like(text, min(1.0, spec.unkind.gloss)),
        foil=foil,
        depth_mm=depth,
        fray=fray,
    )


def _relief(design: Design, grid: CardGrid, ink: NDArray[np.uint8], text: Floats) -> Floats:
    unkind = design.spec.unkind
    height = np.zeros((grid.rows, grid.columns), np.float32)
    if unkind.relief_um_rms > 0:
        name = f"relief {design.spec.side}"
        height += unkind.relief_um_rms * noise_field(
            grid, unkind.relief_correlation_mm, seed=design.spec.seed, name=name
        )
    if unkind.ink_step_um > 0:
        layers = ink.astype(np.float32) / 255 + min(1.0, unkind.text_contrast) * text
        height += unkind.ink_step_um * cv2.GaussianBlur(layers, (0, 0), max(0.3, INK_EDGE_MM / grid.pitch_mm))
    return height


def _slopes(height_um: Floats, pitch_mm: float) -> tuple[Floats, Floats]:
    """Central differences; y grows upwards, rows downwards."""
    step = np.float32(1 / (2000 * pitch_mm))
    slope_x, slope_y = np.zeros_like(height_um), np.zeros_like(height_um)
    np.subtract(height_um[:, 2:], height_um[:, :-2], out=slope_x[:, 1:-1])
    np.subtract(height_um[:-2], height_um[2:], out=slope_y[1:-1])
    slope_x[:, 0], slope_x[:, -1] = slope_x[:, 1], slope_x[:, -2]
    slope_y[0], slope_y[-1] = slope_y[1], slope_y[-2]
    return slope_x * step, slope_y * step
