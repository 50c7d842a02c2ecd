"""Light directions from real photographs of a chrome sphere, and what they make of a grey one beside it."""

import os
import re
from pathlib import Path

import numpy as np
from _card import tell
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion

from station.calibrate.spheres.ball import circle_of_mask, refit
from station.calibrate.spheres.composites import composites
from station.calibrate.spheres.sphere import sphere_lights, sphere_normals
from station.exchange.pictures import read_picture
from station.photometric.lights import directional_field
from station.photometric.linear import least_squares
from station.photometric.solve import solve
from station.photometric.stack import Sensor, pictures

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("STATION_TEST_DATA", ROOT.parent / "shared" / "data"))
SQUARE = np.ones((3, 3), bool)
TOP = 65280.0
Array = NDArray[np.float64]


def sphere_of(folder: Path) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Pictures (K, H, W, 3) in the lights' order, and the mask that came with them."""
    named = [(re.fullmatch(r"\w+\.(\d+)\.png", path.name), path) for path in folder.iterdir()]
    lit = [path for _, path in sorted((int(match[1]), path) for match, path in named if match)]
    mask = read_picture(next(folder.glob("*.mask.png"))).codes
    return np.stack([read_picture(path).codes for path in lit]), np.atleast_3d(mask)[..., 0] > 127


def apart_deg(one: Array, other: Array) -> Array:
    """Angles between unit vectors (..., 3)."""
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=-1), -1, 1)))


def main() -> None:
    """Measure."""
    frames, mask = sphere_of(DATA / "uw_chrome")
    found = sphere_lights(frames, mask).directions
    wrong = [binary_erosion(mask, SQUARE), binary_dilation(mask, SQUARE)]
    wrong += [np.roll(mask, step, axis) for step in (1, -1) for axis in (0, 1)]
    moved = max(float(apart_deg(sphere_lights(frames, one).directions, found).max()) for one in wrong)
    tell(
        "chrome sphere, directions under masks wrong by a pixel",
        moved,
        "deg",
        "12 lights, largest of six masks",
    )
    codes, grey_mask = sphere_of(DATA / "uw_gray")
    outline = refit(composites(codes), circle_of_mask(grey_mask, grey_mask.shape))
    grey = np.rint(codes.mean(axis=3, keepdims=True) * 256).astype(np.uint16)
    taken = pictures(tuple(grey), None, Sensor(0.0, TOP, 0.0, 256.0**2))
    field = directional_field(found, np.full((len(codes), 1), TOP))
    inside = outline.inside(grey_mask.shape, 0.8)
    real = sphere_normals(outline, grey_mask.shape)[inside]
    for name, solver in (("least squares", least_squares), ("default", solve)):
        errors = apart_deg(solver(taken, field).normals[inside], real)
        tell(
            f"grey sphere under the chrome sphere's lights, {name}",
            float(errors.mean()),
            "deg",
            "inside 0.8 r",
        )


if __name__ == "__main__":
    main()
