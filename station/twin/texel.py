"""The loops over the texels of a strip: what is laid on the stock, and what pixels see of it."""

import numpy as np

from .grid import TEXELS_PER_PIXEL, Floats
from .jit import inner_kernel
from .samples import UNIT, Bytes, Number, Shorts
from .surface import Indices


@inner_kernel
def lay(
    height_um: Floats, albedo: Floats, paint: tuple[Bytes, Bytes], inks: tuple[Floats, Floats],
    layers: Floats, relief: tuple[Floats, Indices, Indices], warp: tuple[Floats, Floats, Floats],
    strength: Floats,
) -> None:  # fmt: skip
    """Height and colour of undamaged texels.

    Args:
        height_um: (H, W); written.
        albedo: (H, W, 3); written.
        paint: display colours (H, W, 3), text (H, W).
        inks: reflectance of the 256 display codes, reflectance (3,) of the text's ink.
        layers: (H, W), of ink.
        relief: a tile, its row and column at the strip's rows and columns.
        warp: level and tilt of each row, in um, and u of each column.
        strength: um of relief, um per layer of ink, share of the ink per unit of text.
    """
    rgb, text = paint
    table, ink = inks
    tile, tile_rows, tile_columns = relief
    level, tilt, u = warp
    rough, step, share = strength[0], strength[1], strength[2]
    for r in range(height_um.shape[0]):
        above, steep = level[r], tilt[r]
        for c in range(height_um.shape[1]):
            height_um[r, c] = (
                rough * tile[tile_rows[r], tile_columns[c]] + step * layers[r, c] + above + steep * u[c]
            )
            written = share * np.float32(text[r, c])
            for k in range(3):
                bare = table[rgb[r, c, k]]
                albedo[r, c, k] = bare + written * (ink[k] - bare)


@inner_kernel
def _slopes(height_um: Floats, r: int, c: int, per_um: Number) -> tuple[Number, Number]:
    """dz/dx and dz/dy by central differences, y upwards; `r` and `c` are not on the array's border."""
    x = (height_um[r, c + 1] - height_um[r, c - 1]) * per_um
    return x, (height_um[r - 1, c] - height_um[r + 1, c]) * per_um


@inner_kernel
def _inner(index: int, size: int) -> int:
    return min(max(index, 1), size - 2)


@inner_kernel
def pack(
    packed: Shorts, skip: int, per_um: Number, height_um: Floats, albedo: Floats, others: tuple[Floats, ...]
) -> None:
    """A strip as `samples.fill` wants it.

    Args:
        packed: int16 (rows, W, CHANNELS); written.
        skip: rows of the arrays above the first row of `packed`.
        per_um: slope of 1 um difference over two texels.
        height_um: (H, W).
        albedo: (H, W, 3).
        others: coverage, roughness, gloss, each (H, W) and 0 to 1.
    """
    coverage, roughness, gloss = others
    height, width = height_um.shape
    for row in range(packed.shape[0]):
        r = row + skip
        for c in range(width):
            x, y = _slopes(height_um, _inner(r, height), _inner(c, width), per_um)
            steep = np.float32(UNIT) / np.sqrt(np.float32(1) + x * x + y * y)
            packed[row, c, 0] = np.int16(np.rint(-x * steep))
            packed[row, c, 1] = np.int16(np.rint(-y * steep))
            for k in range(3):
                packed[row, c, 2 + k] = _share(albedo[r, c, k])
            packed[row, c, 5] = _share(coverage[r, c])
            packed[row, c, 6] = _share(roughness[r, c])
            packed[row, c, 7] = _share(gloss[r, c])


@inner_kernel
def _share(value: Number) -> np.int16:
    return np.int16(min(np.float32(1), max(np.float32(0), value)) * np.float32(UNIT) + np.float32(0.5))


@inner_kernel
def means(
    seen: tuple[Floats, ...], skip: int, margin: int, per_um: Number, height_um: Floats, albedo: Floats,
    others: tuple[Floats, Floats],
) -> None:  # fmt: skip
    """Area means over the pixels of a strip.

    Args:
        seen: normals (rows, columns, 3) of unit length, reflectance (rows, columns, 3), height, gloss and
            coverage (rows, columns); written.
        skip: rows of the arrays above the first pixel.
        margin: columns of the arrays left of the first pixel.
        per_um: slope of 1 um difference over two texels.
        height_um: (H, W).
        albedo: (H, W, 3).
        others: gloss, coverage, each (H, W).
    """
    normals, colours, heights, glosses, covers = seen
    gloss, coverage = others
    height, width = height_um.shape
    n, part, one = TEXELS_PER_PIXEL, np.float32(1 / TEXELS_PER_PIXEL**2), np.float32(1)
    for row in range(heights.shape[0]):
        for column in range(heights.shape[1]):
            nx = ny = nz = red = green = blue = up = shine = cover = np.float32(0)
            for texel in range(n * n):
                r, c = skip + n * row + texel // n, margin + n * column + texel % n
                x, y = _slopes(height_um, _inner(r, height), _inner(c, width), per_um)
                z = one / np.sqrt(one + x * x + y * y)
                nx, ny, nz = nx - x * z, ny - y * z, nz + z
                red, green, blue = red + albedo[r, c, 0], green + albedo[r, c, 1], blue + albedo[r, c, 2]
                up, shine, cover = up + height_um[r, c], shine + gloss[r, c], cover + coverage[r, c]
            # in double precision: near one, the arc cosine makes much of a length that is a rounding off
            unit = 1.0 / np.sqrt(np.float64(nx) ** 2 + np.float64(ny) ** 2 + np.float64(nz) ** 2)
            normals[row, column, 0], normals[row, column, 1] = nx * unit, ny * unit
            normals[row, column, 2] = nz * unit
            colours[row, column, 0], colours[row, column, 1] = red * part, green * part
            colours[row, column, 2] = blue * part
            heights[row, column], glosses[row, column] = up * part, shine * part
            covers[row, column] = cover * part
