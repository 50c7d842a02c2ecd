"""A card that is refused, touched, and scanned again: real daemon, board process and sockets."""

from typing import TYPE_CHECKING

from station.archive.folder import read_stack

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench


def stored(bench: "Bench") -> "list[Path]":
    return list(bench.data.glob("scans/*/*/*/*"))


def test_a_sleeved_card_is_refused_before_it_is_stored_and_without_its_sleeve_it_is_kept(
    bench: "Bench",
) -> None:
    bench.start_daemon()
    with bench.client() as client:
        client.call("twin.place", {"seed": 31, "sleeve": True})
        head = client.status().seq
        refused = client.scan_start("front")
        *_, failed = bench.follow(client, head, refused, "scan.failed")
        assert failed.data["code"] == "card_glare"
        assert failed.data["retake"] is False
        assert failed.data["like"] == ""
        assert client.scan_get(refused).state == "failed"
        assert client.scan_get(refused).reason.startswith("card_glare: ")
        assert stored(bench) == []
        bench.wait_for("the station to be idle", lambda: client.status().scanning is None)
        status = client.status()
        assert (status.state, status.fault) == ("idle", None), "a refused card is no fault of the station"
        assert (status.rig.state, status.camera.state) == ("simulated", "simulated")

        client.call("twin.place", {"seed": 31})
        kept, events = bench.scan(client, "scan.captured")
        steps = [event.data["step"] for event in events if event.type == "scan.step"]
        assert steps[-3:] == ["verifying", "judging", "storing"]
        assert client.scan_get(kept).stages_s["judge"] > 0
        [folder] = stored(bench)
        manifest, _ = read_stack(folder)
        assert (manifest.id, manifest.batch) == (kept, "")
