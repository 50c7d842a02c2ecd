"""Everything that a session's takes amount to, read and fitted once."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...calibrate.colours.chart_view import Patches
from ...calibrate.colours.charts import load_chart
from ...calibrate.colours.colour import ColourFit, colour_matrix
from ...calibrate.lights.bundle_result import LightsFit
from ...documents.calibrating import StepName
from ...documents.profile import CameraProfile
from .fitting import Optics, lights, optics
from .session import Session
from .taking import Bench, Response, response_from

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at the end of a session.

    Attributes:
        optics: lens and card plane.
        lights: as they were fitted.
        sensor: arrays of the response step.
        timing: arrays of the timing step.
        colour: None: the chart was left out.
    """

    session: Session
    bench: Bench
    optics: Optics
    lights: LightsFit
    sensor: Arrays
    timing: Arrays
    colour: ColourFit | None

    @classmethod
    def of(cls, session: Session, bench: Bench) -> "Known":
        """Read and fit.

        Raises:
            StationError: `calibration_failed`, `calibration_unreadable`.
        """
        seen = optics(session, bench)
        return cls(
            session=session,
            bench=bench,
            optics=seen,
            lights=lights(session, bench, seen.camera),
            sensor=_first(session, "response"),
            timing=_first(session, "timing"),
            colour=_colour(session),
        )

    @property
    def response(self) -> Response:
        """How codes become linear."""
        return response_from(self.sensor)

    @property
    def flat_exposure_us(self) -> int:
        """Of the flat field."""
        return int(_first(self.session, "flat")["exposure_us"])

    def told(self, figure: str) -> float | None:
        """A figure of the step with the flat board; None: it could not be told."""
        return self.session.takes("plane")[0].figures.get(figure)

    def _mtf50_cy_per_mm(self) -> float | None:
        per_px = self.told("mtf50_cy_per_px")
        return None if per_px is None else 1000 * per_px / self.optics.plane.scale_um_per_px

    def camera(self) -> CameraProfile:
        """The camera of the profile."""
        a, b = self.sensor["noise"][:2].tolist()
        response, timing = self.response, self.timing
        depth = int(self.sensor["bit_depth"])
        return self.optics.camera.replace(
            bit_depth=depth,
            black_level=float(response.black.mean()),
            full_scale=response.full,
            noise_a=max(0.0, a),
            noise_b=max(0.0, b),
            response="linear" if response.table is None else "table",
            gamma=float(self.sensor["gamma"]),
            scale_um_per_px=self.optics.plane.scale_um_per_px,
            overshoot_percent=self.told("overshoot_percent"),
            mtf50_cy_per_mm=self._mtf50_cy_per_mm(),
            **_shutter(timing),
            **({"colour": self.colour.matrix} if self.colour else {}),
        )


def _first(session: Session, step: StepName) -> Arrays:
    return session.arrays(session.takes(step)[0])


def _colour(session: Session) -> ColourFit | None:
    take = session.takes("colour").get(0)
    if take is None:
        return None
    patches = Patches(**session.arrays(take))
    return colour_matrix(patches, load_chart(session.options.chart))


def _shutter(timing: Arrays) -> dict[str, Any]:
    """Fields of the camera that the timing step tells."""
    known = bool(timing["readout_known"])
    readout_us = float(timing["readout_us"][0]) if known else float(timing["period_us"])
    fields: dict[str, Any] = {
        "readout_us": round(readout_us),  # where it is not known: it takes no longer than from frame to frame
        "mains_hz": int(timing["mains_hz"]),
        "stamp_at": "unknown",
    }
    if timing["stamps"].size:
        at, delay, jitter, late = timing["stamps"].tolist()
        fields |= {
            "stamp_at": "start" if at == 0 else "end",
            "stamp_delay_us": round(delay),
            "stamp_jitter_us": round(jitter),
            "stamp_late_us": round(late),
        }
    return fields
