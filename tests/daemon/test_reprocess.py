"""Scans computed again with another profile, by the daemon and without one."""

from pathlib import Path
from typing import TYPE_CHECKING

from station.archive.results import read_result, result_numbers
from station.calibrate.profile import load_profile
from station.calibrate.store import profiles_folder, save

if TYPE_CHECKING:
    from conftest import Bench


def keep(bench: "Bench", name: str, board_id: str = "twin") -> Path:
    twin = load_profile("twin")
    document = twin.profile.replace(name=name, board_id=board_id)
    return save(profiles_folder(bench.settings), document, {"flat": twin.flat})


def test_a_scan_gets_further_results_over_the_daemon_and_offline(bench: "Bench") -> None:
    trainer = bench.start("trainer")
    daemon = bench.start_daemon()
    keep(bench, "better")
    other = keep(bench, "theirs", "ATmega328P")
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        bench.wait_for("delivery", lambda: client.status().quiescent)
        done = bench.run("reprocess", scan_id[:12], "--profile", "better")
        assert done.stdout == f"1 to compute with profile better\n{scan_id}  result 2\n", done.stderr
        found = client.scan_get(scan_id)
        assert found.state == "processed"
        assert found.result is not None
        assert (found.result.number, found.result.profile) == (2, "better")
        bench.wait_for("delivery", lambda: client.status().quiescent)
        assert client.scan_get(scan_id).delivery == "delivered"
        refused = bench.run("reprocess", scan_id, "--profile", str(other))
        assert refused.returncode == 2
        assert "was taken by another rig" in refused.stderr
    folder = Path(found.folder)
    assert "result 2 is by this profile" in bench.run("reprocess", "--all", "--profile", "better").stdout
    bench.stop(daemon)
    bench.stop(trainer)
    assert bench.run("reprocess").returncode == 12
    offline = bench.run("reprocess", "--all")
    assert offline.stdout.splitlines()[-1] == f"{scan_id}  result 3", offline.stderr
    assert result_numbers(folder) == [1, 2, 3]
    assert [read_result(folder, n).manifest.profile for n in (1, 2, 3)] == ["twin", "better", "twin"]
    bench.start_daemon()
    with bench.client() as client:
        again = client.scan_get(scan_id)
    assert again.result is not None
    assert again.result.number == 3
    assert again.delivery == "queued"


def test_what_cannot_be_computed_again_keeps_its_result(bench: "Bench") -> None:
    bench.start_daemon()
    keep(bench, "better")
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        folder = Path(client.scan_get(scan_id).folder)
        (folder / "light-3.tif").write_bytes(b"damaged")
        done = bench.run("reprocess", scan_id, "--profile", "better")
        assert done.returncode == 8
        assert f"{scan_id}  no new result: " in done.stdout
        found = client.scan_get(scan_id)
    assert found.state == "processed"
    assert found.result is not None
    assert found.result.number == 1
