"""Between what the estimators speak of and the arrays that a session keeps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...calibrate.boards.board_view import BoardView
from ...calibrate.observed import BallLook, FlatLook
from .session import Session


def ball_arrays(looks: tuple[BallLook, ...]) -> dict[str, NDArray[np.float64]]:
    """Looks as arrays to keep."""
    return {
        "centre_px": np.array([look.centre_px for look in looks]).reshape(-1, 2),
        "centre_sigma_px": np.array([look.centre_sigma_px for look in looks]),
        "highlights_px": np.array([look.highlights_px for look in looks]),
        "sigma_px": np.array([look.sigma_px for look in looks]),
    }


def ball_looks(session: Session) -> list[BallLook]:
    """What the spheres showed, from all places."""
    options, found = session.options, []
    for take in session.takes("balls").values():
        arrays = session.arrays(take)
        for n in range(len(arrays["centre_px"])):
            x, y = arrays["centre_px"][n].tolist()
            found.append(
                BallLook(
                    radius_mm=options.ball_radius_mm,
                    rests_on_mm=options.sheet_mm,
                    centre_px=(x, y),
                    centre_sigma_px=float(arrays["centre_sigma_px"][n]),
                    highlights_px=arrays["highlights_px"][n],
                    sigma_px=arrays["sigma_px"][n],
                )
            )
    return found


def flat_looks(session: Session) -> list[FlatLook]:
    """What the white sheet showed, low and raised."""
    options, found = session.options, []
    for raised in (False, True):
        for take in session.takes("flat_high" if raised else "flat").values():
            arrays = session.arrays(take)
            height = options.sheet_mm + (options.spacer_mm if raised else 0.0)
            found.append(FlatLook(arrays["grid"], arrays["noise"], height, turned=raised))
    return found


def view_arrays(view: BoardView) -> dict[str, NDArray[Any]]:
    """A view as arrays to keep."""
    return {
        "ids": view.ids,
        "corners_px": view.corners_px,
        "sigma_px": view.sigma_px,
        "object_mm": view.object_mm,
        "size_px": np.array(view.size_px),
        "figures": np.array([view.edge_px, view.brightness, view.clipped]),
    }


def board_views(session: Session, step: str) -> list[BoardView]:
    """The kept views of a step."""
    takes = session.takes("plane" if step == "plane" else "lens")
    return [_view(session.arrays(take)) for take in takes.values()]


def _view(arrays: dict[str, NDArray[Any]]) -> BoardView:
    width, height = arrays["size_px"].tolist()
    edge, brightness, clipped = arrays["figures"].tolist()
    return BoardView(
        ids=arrays["ids"],
        corners_px=arrays["corners_px"],
        sigma_px=arrays["sigma_px"],
        object_mm=arrays["object_mm"],
        size_px=(width, height),
        edge_px=edge,
        mirrored=False,
        brightness=brightness,
        clipped=clipped,
    )
