"""`kill -9` of the daemon at the worst moments: nothing acknowledged is lost, no light burns on."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from station.archive.folder import read_stack
from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench


def kill_at(bench: "Bench", kind: str, step: str | None = None) -> str:
    """Start a scan and kill the daemon when it has told this (step); the scan's identity."""
    daemon = bench.processes[-1]
    with bench.client() as client:
        head = client.status().seq
        scan_id = client.scan_start("front")
        for event in client.events(after=head):
            if event.cause == scan_id and event.type == kind and step in (None, event.data.get("step")):
                os.kill(daemon.pid, signal.SIGKILL)
                break
    daemon.wait()
    bench.processes.remove(daemon)
    return scan_id


@pytest.mark.parametrize("step", ["light 5", "verifying", "judging", "storing"])
def test_a_kill_in_mid_scan(bench: "Bench", step: str) -> None:
    bench.start_daemon()
    with bench.client() as client:
        earlier, _ = bench.scan(client, "scan.captured")
        before = client.scan_get(earlier)
    log = LightLogReader(bench.data / "run" / "lights").open()
    scan_id = kill_at(bench, "scan.step", step)
    bench.wait_for("the board to put its lights off by itself", lambda: log.mask() == 0)
    log.close()

    bench.start_daemon()
    with bench.client() as client:
        assert read_stack(Path(before.folder))[0].id == earlier
        killed = client.scan_get(scan_id)
        # a kill after the folder got its name leaves a whole scan, which is adopted; any other is interrupted
        assert killed.state in (
            ("interrupted", "captured", "processed") if step == "storing" else ("interrupted",)
        )
        assert not list(bench.data.glob("scans/*/*/*/*.part"))
        bench.scan(client, "scan.captured")


def test_who_waits_for_a_scan_across_a_kill_hears_how_it_ended(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as waiting:
        head = waiting.status().seq
        scan_id = kill_at(bench, "scan.step", "verifying")
        bench.start_daemon()
        ends = ("scan.captured", "scan.failed", "scan.interrupted")
        end = next(e for e in waiting.events(after=head) if e.cause == scan_id and e.type in ends)
        assert (end.type, end.data["code"]) == ("scan.interrupted", "interrupted")


def test_a_card_whose_beep_had_sounded_still_gets_its_maps(bench: "Bench") -> None:
    bench.start_daemon()
    scan_id = kill_at(bench, "scan.captured")
    bench.start_daemon()
    with bench.client() as client:
        done = bench.wait_for(
            "the maps", lambda: (found := client.scan_get(scan_id)).state == "processed" and found
        )
        assert done.result is not None
        assert done.report is not None
        assert Path(done.report).is_file()


def test_a_kill_while_computing_starts_the_computation_again(bench: "Bench") -> None:
    bench.start_daemon()
    scan_id = kill_at(bench, "scan.computing")
    bench.start_daemon()
    with bench.client() as client:
        bench.wait_for("the maps", lambda: client.scan_get(scan_id).state == "processed")
        assert not list(bench.data.glob("scans/*/*/*/*/results/*.part"))


def test_delivery_survives_the_death_of_the_trainer(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        assert client.scan_get(scan_id).delivery in ("queued", "sending")
        trainer = bench.start("trainer")
        bench.wait_for("delivery", lambda: client.scan_get(scan_id).delivery == "delivered")
        bench.stop(trainer, signal.SIGKILL)
        second, _ = bench.scan(client)
        bench.start("trainer")
        bench.wait_for("delivery", lambda: client.scan_get(second).delivery == "delivered")


def test_a_daemon_that_was_stopped_for_too_long_loses_the_lease_not_the_station(bench: "Bench") -> None:
    daemon = bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client:
        head = client.status().seq
        stopped = client.scan_start("front")
        for event in client.events(after=head):
            if event.type == "scan.step" and event.data["step"] == "light 2":
                break
        daemon.send_signal(signal.SIGSTOP)
        bench.wait_for("the board to put its lights off by itself", lambda: log.mask() == 0)
        daemon.send_signal(signal.SIGCONT)
        ended = bench.wait_for(
            "the scan's end", lambda: (found := client.scan_get(stopped)).state != "capturing" and found
        )
        # every frame is the right light's, or the scan says why not
        assert ended.state in ("captured", "processed") or ended.reason.startswith(("rig_", "frames_"))
        bench.scan(client, "scan.captured")
    log.close()
