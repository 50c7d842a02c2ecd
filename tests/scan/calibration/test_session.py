"""A calibration on disk: left at any moment, taken up where it was, nothing counted that is not durable."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from station.documents.calibrating import CalibrationOptions
from station.documents.calibration import CalibrationFinding
from station.documents.fault import StationError
from station.scan.calibration.session import DOCUMENT, Session
from station.scan.calibration.steps import STEPS

BAD = CalibrationFinding(kind="too_dark", message="too dark", next_step="more light")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return new(tmp_path)


def new(data: Path) -> Session:
    return Session.create(
        data, software="test", exposure_us=15_000, options=CalibrationOptions(), simulated=True
    )


def arrays(value: float) -> dict[str, np.ndarray]:
    return {"value": np.array([value])}


def test_the_guide_goes_through_all_steps_in_their_order(session: Session) -> None:
    order = []
    while (state := session.state()).next is not None:
        order.append((state.next, state.place))
        session.record(state.next, state.place, arrays(1.0))
    assert order == [(step.name, place) for step in STEPS for place in range(step.places)]
    assert {one.state for one in session.state().steps} == {"done"}


def test_every_step_can_only_need_what_comes_before_it() -> None:
    seen: set[str] = set()
    for step in STEPS:
        assert set(step.needs) <= seen
        seen.add(step.name)


def test_a_session_is_taken_up_where_it_was_left(session: Session, tmp_path: Path) -> None:
    session.record("dark", 0, arrays(4.0))
    session.record("response", 0, arrays(5.0))
    again = Session.unfinished(tmp_path)
    assert again is not None
    assert again.document == session.document
    assert again.state().next == "timing"
    assert again.arrays(again.takes("dark")[0])["value"] == 4.0


def test_a_finished_session_is_not_taken_up(session: Session, tmp_path: Path) -> None:
    session.note(profile="somewhere")
    assert Session.unfinished(tmp_path) is None


def test_pictures_with_a_severe_finding_do_not_count(session: Session) -> None:
    take = session.record("dark", 0, arrays(4.0), findings=(BAD,))
    assert not take.usable
    state = session.state()
    assert state.next == "dark"
    assert state.steps[0].findings == (BAD,)
    session.record("dark", 0, arrays(4.0), findings=(BAD.replace(severe=False),))
    assert session.state().next == "response"


def test_a_step_taken_again_makes_those_that_build_on_it_stale(session: Session) -> None:
    for name in ("dark", "response", "timing", "flat"):
        session.record(name, 0, arrays(1.0))
    session.record("response", 0, arrays(2.0))
    states = {one.name: one.state for one in session.state().steps}
    assert states["flat"] == "stale"
    assert states["timing"] == states["dark"] == "done"
    assert session.state().next == "flat"
    session.record("flat", 0, arrays(3.0))
    assert session.state().next == "flat_high"


def test_only_optional_steps_can_be_left_out(session: Session) -> None:
    session.skip("colour")
    assert next(one for one in session.state().steps if one.name == "colour").state == "skipped"
    with pytest.raises(StationError, match="the step flat cannot be left out"):
        session.skip("flat")


def test_spheres_or_a_raised_sheet_one_of_the_two_is_needed(session: Session) -> None:
    session.skip("balls")
    with pytest.raises(StationError, match="flat_high and balls cannot both be left out"):
        session.skip("flat_high")
    session.record("balls", 0, arrays(1.0))  # taken after all
    session.skip("flat_high")


def test_a_damaged_array_file_is_named_with_the_step_to_take_again(session: Session) -> None:
    take = session.record("dark", 0, arrays(4.0))
    path = session.folder / take.file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StationError, match="its hash is another one") as caught:
        session.arrays(take)
    assert "station calibrate step dark" in caught.value.hint
    path.unlink()
    with pytest.raises(StationError, match="No such file"):
        session.arrays(take)


def test_a_damaged_document_is_named(session: Session) -> None:
    (session.folder / DOCUMENT).write_text("{")
    with pytest.raises(StationError, match="its document is damaged"):
        Session.open(session.folder)


CHILD = """
import sys
from pathlib import Path
import numpy as np
from station.scan.calibration.session import Session
session = Session.unfinished(Path(sys.argv[1]))
place = 0
while True:
    session.record("lens", place % 10, {"value": np.full(20_000, float(place))})
    print(place, flush=True)
    place += 1
"""


def test_whatever_was_recorded_survives_a_kill(session: Session, tmp_path: Path) -> None:
    """Killed a dozen times at moments that nobody chose; each time all that was acknowledged is there."""
    acknowledged = 0
    for wanted in range(2, 14):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(wanted)]
            os.kill(child.pid, signal.SIGKILL)
            lines += child.stdout.readlines()
        acknowledged += len([line for line in lines if line.endswith("\n")])
        again = Session.open(session.folder)
        assert len(again.document.takes) >= acknowledged
        for take in again.takes("lens").values():
            assert len(again.arrays(take)["value"]) == 20_000
