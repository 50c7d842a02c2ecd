"""Balls as the renderer needs them: what does not depend on which light burns, computed once."""

from math import pi, sqrt

import numpy as np

from . import ball_glints
from .ball_light import expose_balls
from .ball_rays import Sight
from .balls import BallView
from .grid import Floats
from .lights import LED_HALF_MM
from .optics import Doubles
from .samples import Shorts

ROOM_SHARE = 0.3
"""What balls mirror above the sheet, the rig and a dark room, is so much of the ambient light."""
HALF_SHEET_MM = (105.0, 148.5)
"""A sheet of A4, on a dark table."""
TABLE_REFLECTANCE = 0.055


class BallPicture:
    """Balls on their sheet, for one camera and its lights.

    Args:
        view: the balls, as the camera sees them.
        places: (node rows, node columns, 3), what every 32nd sample looks at on the sheet.
    """

    def __init__(self, view: BallView, places: Doubles) -> None:
        self._view = view
        self._places = places
        balls, eye = view.balls, view.optics.centre_mm
        nearest_last = np.argsort(-np.linalg.norm(balls.centres_mm - eye, axis=-1))
        disk = LED_HALF_MM * 2 / sqrt(pi)  # as large as the square
        lamps = [
            (*light.position_mm, *light.axis, light.lobe, ball_glints.intensity(light), disk)
            for light in view.lights
        ]
        white = balls.sheet.reflectance
        surfaces = (
            balls.reflectance,
            white,
            TABLE_REFLECTANCE,
            ROOM_SHARE,
            *HALF_SHEET_MM,
            balls.sheet.height_mm,
        )
        self._sight = Sight(
            np.ascontiguousarray(places[..., :2]),
            np.insert(balls.centres_mm, 3, balls.radius_mm, axis=1)[nearest_last],
            np.array(lamps),
            eye,
            np.array(surfaces),
        )
        self._glints = ball_glints.glints(view)

    def brighten(self, fields: Floats) -> None:
        """Add the light that balls throw on the sheet to the light fields; from above only.

        A mirroring ball in parallel light throws it evenly to all sides: r^2 / 4 of what falls on it, per
        solid angle.
        """
        balls = self._view.balls
        for light, field in zip(self._view.lights, fields, strict=True):
            for centre in balls.centres_mm:
                way = light.position_mm - centre
                distance = np.linalg.norm(way)
                emission = max(0.0, float(-way @ light.axis / distance)) ** light.lobe
                caught = ball_glints.intensity(light) * emission / distance**2
                off = centre - self._places
                far = np.linalg.norm(off, axis=-1)
                thrown = balls.reflectance * balls.radius_mm**2 / 4 * caught * off[..., 2] / far**3
                field[..., 2] += thrown.astype(np.float32)

    def expose(
        self, electrons: Floats, buffer: Shorts, columns: int, fields: Floats, weights: Floats,
        colours: Floats, ambient: Floats, taps: Floats, vignetting: float, motion_px: Doubles,
    ) -> None:  # fmt: skip
        """As `exposure.expose`; the picture is shifted by `motion_px` in the taps, and so are the glints."""
        light = weights, colours, ambient
        expose_balls(electrons, (buffer, columns, fields), light, taps, vignetting, self._sight)
        for glint in self._glints:
            strength = weights[:, glint.light]
            if strength.any():
                colour = self._view.lights[glint.light].colour
                ball_glints.add(electrons, glint, self._view.optics, strength, colour, motion_px)
