"""Every method that a daemon serves, for the protocol reference: described, never called."""

from typing import Any, cast

from ..bus.lock_methods import lock_methods
from ..bus.method import Methods, operating, table
from .batch_methods import batch_methods
from .calibration_methods import calibration_methods, laying_methods
from .doctoring import doctor_method
from .file_methods import file_methods
from .keeping_methods import keeping_methods
from .methods import FREE, station_methods
from .result_methods import result_methods
from .rig_methods import rig_methods
from .twin_methods import bench_methods


class _Nobody:
    """Stands for what a method would ask: here it is only described, never called."""

    def __getattr__(self, name: str) -> "_Nobody":
        return self


NOBODY = cast(Any, _Nobody())


def daemon_methods() -> Methods:
    """Everything a daemon serves, those of the digital twin included."""
    return table(
        *operating(
            (
                *station_methods(NOBODY, NOBODY),
                *file_methods(NOBODY),
                *rig_methods(NOBODY),
                *keeping_methods(NOBODY, NOBODY, NOBODY),
                doctor_method(NOBODY, NOBODY, NOBODY, NOBODY),
                *batch_methods(NOBODY),
                *calibration_methods(NOBODY),
                *result_methods(NOBODY),
                *bench_methods(NOBODY),
                *laying_methods(NOBODY, NOBODY),
            ),
            free=FREE,
        ),
        *lock_methods(NOBODY, NOBODY),
    )
