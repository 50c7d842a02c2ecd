"""A card through the whole station with the real firmware on a simulated chip."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from station.archive.folder import read_stack
from station.offline.truth import compare_with_truth
from station.share.firmware import missing_packages
from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench

SEED = 7
DPI = 150  # the demo's least
EVERY_LIGHT = {1 << light for light in range(8)}


@pytest.fixture
def firmware_bench(bench: "Bench", program: Callable[[str], str]) -> "Bench":
    """A station whose board is the real firmware."""
    for package in missing_packages():
        program(f"what the package {package} holds")
    bench.configure(twin={"board": "firmware", "seed": SEED, "dpi": DPI}, scan={"rectified_dpi": DPI})
    return bench


def test_a_card_is_scanned_and_held_against_the_truth(firmware_bench: "Bench") -> None:
    bench = firmware_bench
    daemon = bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client:
        assert client.status().rig.name == "ATmega328P"
        scan_id, _ = bench.scan(client)
        found = client.scan_get(scan_id)
    assert found.report is not None
    assert Path(found.report).is_file()
    burned = [mask for _, mask in log.edges_back()]
    assert burned[0] == 0, "the lights are off afterwards"
    assert set(burned) == {0, *EVERY_LIGHT}
    manifest, _ = read_stack(Path(found.folder))
    assert "ATmega328P" in manifest.provenance.board
    truth = compare_with_truth(Path(found.folder), SEED, "front", None)
    assert truth.normals_mean_deg < 1.5
    assert truth.centering_errors_points is not None
    assert max(truth.centering_errors_points) < 1.0
    assert bench.stop(daemon) == 0
    assert log.mask() == 0
    assert not (bench.data / "run" / "board").is_symlink()
    log.close()


def test_the_firmware_puts_the_lights_off_when_the_daemon_is_killed(firmware_bench: "Bench") -> None:
    bench = firmware_bench
    daemon = bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client:
        client.scan_start("front")
        bench.wait_for("a light", log.mask)
        os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    bench.processes.remove(daemon)
    bench.wait_for("the board to end", lambda: not (bench.data / "run" / "board").is_symlink())
    assert log.mask() == 0
    log.close()
    bench.start_daemon()
    with bench.client() as client:
        bench.scan(client, "scan.captured")
