"""Height maps as triangles, for programs that show and print solids: PLY and STL, both binary."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import store

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
MOST_TRIANGLES = 2_000_000
"""A hundred megabytes of STL; all of a picture of 12 megapixels would be 1.2 gigabytes."""
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_STL_HEADER = 80


@dataclass(frozen=True, slots=True)
class Relief:
    """A surface of triangles, counter-clockwise as the camera sees them.

    Attributes:
        vertices: float32 (V, 3), x right, y up, z to the camera, origin at the picture's centre; millimetres
            where the height was.
        colours: uint8 (V, 3), None where there are none.
        triangles: int32 (T, 3), numbers of vertices.
        thinned_px: side of the square of pixels that became one vertex.
    """

    vertices: Floats
    colours: Bytes | None
    triangles: NDArray[np.int32]
    thinned_px: int


def relief(
    height: Floats,
    valid: Bools,
    pitch: float,
    *,
    colours: Bytes | None = None,
    most_triangles: int = MOST_TRIANGLES,
) -> Relief:
    """Triangles through a height map, thinned until there are few enough.

    Args:
        height: (H, W), in the unit of `pitch`.
        valid: (H, W); no triangle touches what is not.
        pitch: distance of neighbouring pixels.
        colours: (H, W, 3).
        most_triangles: at most so many.
    """
    rows, columns = height.shape
    step = max(1, int(np.ceil(np.sqrt(2.0 * rows * columns / most_triangles))))
    thin, use = _thinned(np.where(valid, height, 0)[..., None], valid, step)
    y, x = np.mgrid[0 : thin.shape[0], 0 : thin.shape[1]]
    across = ((x + 0.5) * step - columns / 2) * pitch
    up = (rows / 2 - (y + 0.5) * step) * pitch
    places = np.stack([across, up, thin[..., 0]], axis=-1).astype(np.float32)
    cells = use[:-1, :-1] & use[:-1, 1:] & use[1:, :-1] & use[1:, 1:]
    numbers = np.arange(use.size, dtype=np.int32).reshape(use.shape)
    a, b = numbers[:-1, :-1][cells], numbers[:-1, 1:][cells]
    c, d = numbers[1:, :-1][cells], numbers[1:, 1:][cells]
    triangles = np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
    kept, triangles = np.unique(triangles, return_inverse=True)
    tint = None
    if colours is not None:
        means, _ = _thinned(colours.astype(np.float32), valid, step)
        tint = np.rint(means.reshape(-1, 3)[kept]).astype(np.uint8)
    return Relief(places.reshape(-1, 3)[kept], tint, triangles.reshape(-1, 3).astype(np.int32), step)


def write_ply(path: Path, surface: Relief, comment: str) -> None:
    """Write a binary little-endian PLY of version 1.0.

    Raises:
        StationError: `output_unwritable`.
    """
    fields: list[tuple[str, str]] = [(name, "<f4") for name in "xyz"]
    if surface.colours is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue")]
    vertices = np.empty(len(surface.vertices), np.dtype(fields))
    for column, name in enumerate("xyz"):
        vertices[name] = surface.vertices[:, column]
    for column, (name, _) in enumerate(fields[3:]):
        vertices[name] = surface.colours[:, column] if surface.colours is not None else 0
    faces = np.empty(len(surface.triangles), _FACE)
    faces["count"], faces["corners"] = 3, surface.triangles
    kinds = {"<f4": "float", "u1": "uchar"}
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {comment}",
        f"element vertex {len(vertices)}",
        *(f"property {kinds[kind]} {name}" for name, kind in fields),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    store(path, "\n".join(header).encode() + vertices.tobytes() + faces.tobytes())


def write_stl(path: Path, surface: Relief, comment: str) -> None:
    """Write a binary STL.

    Raises:
        StationError: `output_unwritable`.
    """
    corners = surface.vertices[surface.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    written = np.zeros(len(corners), _TRIANGLE)
    written["normal"] = across / np.linalg.norm(across, axis=1, keepdims=True)
    written["corners"] = corners
    header = comment.encode("ascii", "replace")[:_STL_HEADER].ljust(_STL_HEADER)
    store(path, header + np.uint32(len(corners)).astype("<u4").tobytes() + written.tobytes())


def _thinned(values: Floats, valid: Bools, step: int) -> tuple[Floats, Bools]:
    """Means (h, w, C) over squares of `step` pixels, and which of them are at least half valid."""
    rows, columns = (size // step for size in valid.shape)
    use = valid[: rows * step, : columns * step].reshape(rows, step, columns, step)
    parts = values[: rows * step, : columns * step].reshape(rows, step, columns, step, -1)
    count = use.sum(axis=(1, 3))
    total = np.where(use[..., None], parts, 0).sum(axis=(1, 3), dtype=np.float64)
    means = total / np.maximum(count, 1)[..., None]
    return means.astype(np.float32), np.asarray(2 * count >= step * step)
