"""The guided calibration over the bus and from the command line, on a daemon with a rig of chance."""

import signal
import subprocess
from typing import Any

import pytest

from station.client import StationClient
from station.documents.calibrating import CalibrationState, Take
from station.documents.fault import StationError

from .conftest import Bench

RIG = {"rig_seed": 61}
WHOLE_GUIDE_S = 280.0


def begin(client: StationClient) -> CalibrationState:
    options = {"frames": 4}
    return CalibrationState.model_validate(client.call("calibrate.begin", {"options": options}))


def start(client: StationClient, step: str, place: int = 0) -> str:
    client.call("twin.lay", {"step": step, "place": place})
    run_id: str = client.call("calibrate.take", {"step": step, "place": place})["run_id"]
    return run_id


def ended(client: StationClient, after: int, run_id: str) -> dict[str, Any]:
    return next(event.data for event in client.events(after=after) if event.cause == run_id)


def test_steps_over_the_bus_survive_the_daemon(bench: Bench) -> None:
    bench.configure(twin=RIG)
    process = bench.start_daemon()
    with bench.client() as client:
        state = begin(client)
        assert state.next == "dark"
        assert state.simulated
        with pytest.raises(StationError, match="needs dark first"):
            start(client, "response")
        head = client.status().seq
        run_id = start(client, "dark")
        with pytest.raises(StationError, match="a calibration takes pictures"):
            client.scan_start("front")
        taken = Take.model_validate(ended(client, head, run_id))
        assert taken.usable
        assert 3.5 < taken.figures["black_level_codes"] < 4.5
        start(client, "response")  # and in the middle of it the power fails
    bench.stop(process, signal.SIGKILL)
    bench.start_daemon()
    with bench.client() as client:
        state = begin(client)
        assert [one.state for one in state.steps][:2] == ["done", "open"]
        assert state.next == "response"
        head = client.status().seq
        assert Take.model_validate(ended(client, head, start(client, "response"))).usable
        assert client.call("calibrate.state")["next"] == "timing"
        with pytest.raises(StationError, match="cannot be left out"):
            client.call("calibrate.skip", {"step": "flat"})
        head = client.status().seq
        failed = ended(client, head, client.call("calibrate.finish", {})["run_id"])
        assert failed["code"] == "calibration_failed"
        assert "flat" in failed["message"]


@pytest.mark.early
@pytest.mark.timeout(900)
def test_a_collector_calibrates_scans_and_computes_old_scans_again(bench: Bench) -> None:
    bench.configure(twin=RIG)
    process = bench.start_daemon()
    with bench.client() as client:
        old, _ = bench.scan(client)
        before = client.scan_get(old).result
        assert before is not None
        assert before.profile == "ring-8"
        assert any("never measured" in warning for warning in before.measurements.warnings)
    guide = subprocess.run(
        bench.command("calibrate", "--name", "mine", "--temperature-c", "21"),
        capture_output=True,
        text=True,
        timeout=WHOLE_GUIDE_S,
        check=False,
    )
    assert guide.returncode == 0, guide.stdout + guide.stderr
    assert "in use from the next start on" in guide.stdout
    assert (bench.data / "profiles" / "mine.toml").is_file()
    page = (bench.data / "profiles" / "mine.html").read_text()
    assert "mine" in page
    with bench.client() as client:
        assert client.status().profile == "ring-8"  # what is in use stays as it is until the next start
    again = bench.run("reprocess", old, "--profile", "mine")
    assert again.returncode == 0, again.stdout + again.stderr
    bench.stop(process)
    bench.start_daemon()
    with bench.client() as client:
        better = client.scan_get(old).result
        assert better is not None
        assert better.number == before.number + 1
        assert better.profile == "mine"
        assert not better.measurements.warnings
        new, _ = bench.scan(client)
        found = client.scan_get(new).result
        assert found is not None
        assert found.profile == "mine"
        sha256 = found.profile_sha256
        assert sha256 == better.profile_sha256
