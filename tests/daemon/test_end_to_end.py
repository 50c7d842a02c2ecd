"""One card end to end: real daemon, real board process behind a pty, real sockets, real disk."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from station.archive.folder import read_stack
from station.archive.results import latest_result
from station.documents.candidate import FlawCandidates
from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench


def test_a_card_becomes_a_stored_computed_delivered_scan_with_a_report(bench: "Bench") -> None:
    trainer = bench.start("trainer")
    daemon = bench.start_daemon()
    with bench.client() as client:
        scan_id, events = bench.scan(client)
        kinds = [event.type for event in events]
        assert kinds[0] == "scan.started"
        assert kinds.index("scan.captured") < kinds.index("scan.computing") < kinds.index("scan.processed")
        lit = [e.data["step"] for e in events if e.type == "scan.step"]
        assert lit == ["ambient", *(f"light {k}" for k in range(8)), "verifying", "judging", "storing"]
        bench.wait_for("delivery", lambda: client.status().quiescent)
        found = client.scan_get(scan_id)
        status = client.status()
    assert found.delivery == "delivered"
    assert found.simulated
    assert status.bytes_per_side == found.bytes
    assert status.room_for_sides is not None
    folder = Path(found.folder)
    manifest, frames = read_stack(folder)
    assert [record.light for record in manifest.frames] == [None, *range(8)]
    assert all(frame.shape == frames[0].shape for frame in frames)
    result = latest_result(folder)
    assert result is not None
    assert found.report == str(result.folder / "report.html")
    assert b"digital twin" in result.content("report.html")
    candidates = FlawCandidates.model_validate_json(result.content("candidates.json"))
    assert len(candidates.candidates) == result.manifest.measurements.flaw_candidates
    assert result.array("confidence").shape == result.array("valid").shape
    assert delivered_hashes(bench.settings.trainer_data) >= stored_hashes(folder)
    assert bench.stop(daemon) == 0
    assert bench.stop(trainer) == 0
    assert "Traceback" not in bench.output("daemon") + bench.output("trainer")


def stored_hashes(folder: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def delivered_hashes(store: Path) -> set[str]:
    """What the trainer holds, by content, not by the names it gave."""
    return stored_hashes(store)


def test_a_second_scan_of_the_other_side_belongs_to_the_same_card(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        front, _ = bench.scan(client, "scan.captured")
        card = client.scan_get(front).card_id
        client.call("twin.place", {"seed": 1, "side": "back"})
        back = client.scan_start("back", card_id=card)
        bench.follow(client, 0, back, "scan.captured")
        assert client.scan_get(back).card_id == card
        assert [one.id for one in client.scan_list()] == [back, front]


def test_an_abort_switches_the_lights_off_and_the_next_scan_works(bench: "Bench") -> None:
    bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client:
        head = client.status().seq
        scan_id = client.scan_start("front")
        for event in client.events(after=head):
            if event.type == "scan.step" and event.data["step"] == "light 2":
                client.scan_abort()
            if event.type == "scan.failed":
                break
        assert event.cause == scan_id
        assert event.data["code"] == "aborted"
        assert log.mask() == 0
        assert client.scan_get(scan_id).state == "failed"
        bench.scan(client, "scan.captured")
    log.close()


def test_while_a_scan_runs_another_one_is_refused(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        scan_id = client.scan_start("front")
        refused = bench.run("scan")
        assert refused.returncode == 9
        assert scan_id in refused.stderr
        bench.follow(client, 0, scan_id, "scan.captured")


def test_an_empty_mat_is_captured_and_the_reason_why_there_are_no_maps_is_kept(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        client.call("twin.remove")
        answer = bench.run("scan")
        assert answer.returncode == 8
        assert "Traceback" not in answer.stderr
        newest = client.scan_list(1)[0]
        assert newest.state == "failed"
        assert newest.reason.startswith("card_not_found: ")
        assert Path(newest.folder).is_dir(), "the pictures stay"


def test_status_is_asked_and_shown_without_heavy_imports(bench: "Bench") -> None:
    bench.start_daemon()
    shown = bench.run("status")
    assert shown.returncode == 0
    assert "digital twin" in shown.stdout
    assert json.loads(bench.run("status", "--json").stdout)["quiescent"] is True


def test_show_lists_scans_and_tells_what_was_measured_and_what_not(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
    assert scan_id in bench.run("show").stdout
    text = bench.run("show", scan_id).stdout
    for words in ("centering", "MTF50", "not assessed", "delivery      queued", "report"):
        assert words in text
    missing = bench.run("show", "0" * 32)
    assert missing.returncode == 10
    assert "what to do" in missing.stderr
