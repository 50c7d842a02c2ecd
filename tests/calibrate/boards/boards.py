"""The printed board under the twin's camera, and pictures of it for the lens."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from station.calibrate.boards.board import BoardView, find_board
from station.twin.charuco import BoardTarget
from station.twin.optics import Optics
from station.twin.plate import PlatePose
from station.twin.rigs import Rig
from station.twin.scene import Scene
from station.twin.spec import Unkind

EVERY_LIGHT = np.full(8, 0.15)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Photographed:
    """A picture of the board, its view, and where its corners truly are (all of them, in pixels)."""

    picture: NDArray[np.uint8]
    view: BoardView
    truth_px: Array

    @property
    def errors_px(self) -> Array:
        """(N, 2), less the common shift: the picture moves a little from frame to frame."""
        errors = self.view.corners_px - self.truth_px[self.view.ids]
        return errors - errors.mean(axis=0)


def photograph(
    dpi: float,
    target: BoardTarget,
    sequence: int = 1,
    on: Array = EVERY_LIGHT,
    rig: Rig | None = None,
) -> Photographed:
    scene = Scene(seed=3, dpi=dpi, rig=rig)
    scene.place(target)
    picture = scene.render(on, sequence=sequence)
    return Photographed(picture, find_board(picture, target.spec), scene.optics.project(target.corners_mm()))


def held(number: int, of: int, tilt_deg: float) -> PlatePose:
    """The board held over the mat, leaning to every side in turn and reaching into every corner."""
    azimuth = 2 * np.pi * number / of
    lean = azimuth + 0.3
    return PlatePose(
        x_mm=10 * np.cos(azimuth),
        y_mm=10 * np.sin(azimuth),
        z_mm=22.0,
        tilt_deg=(tilt_deg * np.cos(lean), tilt_deg * np.sin(lean)),
        turn_deg=(-1) ** number * 5.0 + number,
    )


def rough_lens(dpi: float) -> tuple[float, float, float, float]:
    """What a nominal working distance and a data sheet tell: 20 % off."""
    optics = Optics(dpi)
    focal = 1.2 * optics.matrix[0]
    return focal, focal, (optics.width_px - 1) / 2, (optics.height_px - 1) / 2


@cache
def session(
    dpi: float, views: int = 10, tilt_deg: float = 25.0, bend_mm: float = 0.2, print_scale: float = 1.0
) -> tuple[BoardView, ...]:
    """So many views of a board held in the hand, and last the one of it lying flat, its face 1 mm up."""
    poses = [*(held(number, views, tilt_deg) for number in range(views)), PlatePose(z_mm=1.0)]
    targets = [
        BoardTarget(pose=pose, bend_mm=bend_mm, print_scale=print_scale, unkind=Unkind()) for pose in poses
    ]
    return tuple(
        photograph(dpi, target, sequence=number).view for number, target in enumerate(targets, start=1)
    )
