"""Hands-free: a scripted operator with his mistakes, and nobody at a keyboard."""

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from station.documents.batch import BatchState
from station.twin.lightlog import LightLogReader
from tests.daemon.handsfree import assert_every_card_once, play

if TYPE_CHECKING:
    from conftest import Bench

RARELY = {
    "wrong_side": 0.03,
    "not_turned": 0.03,
    "same_again": 0.03,
    "again_later": 0.03,
    "jostle": 0.03,
    "hand": 0.02,
    "sleeve": 0.03,
    "two_cards": 0.03,
    "upside_down": 0.03,
}


def quiet(bench: "Bench") -> None:
    bench.configure(batch={"sound": False})


def test_a_batch_without_a_keyboard(bench: "Bench") -> None:
    quiet(bench)
    bench.start_daemon()
    played = play(bench, 5, "front_back", {"not_turned": 0.3, "jostle": 0.3, "two_cards": 0.3}, careful=1)
    assert played.state.phase == "finished"
    assert_every_card_once(played, 5)
    assert sum(played.made.values()) >= 2
    assert played.missed() == []
    with bench.client() as client:
        bench.wait_for("the maps of all", lambda: not client.status().processing)


@pytest.mark.soak
@pytest.mark.timeout(5_400)
@pytest.mark.parametrize("order", ["front_back", "fronts_then_backs"])
def test_three_hundred_cards(bench: "Bench", order: str, record_property: Callable[[str, Any], None]) -> None:
    quiet(bench)
    bench.start_daemon()
    cards, pile = 150, 25 if order == "fronts_then_backs" else 0
    played = play(bench, cards, order, RARELY, pile=pile, careful=13)
    for kind, times in sorted(played.made.items()):
        record_property(f"planted: {kind}", [times, "1"])
    record_property("sides stored", [len(played.scans), "1"])
    missed = played.missed()
    record_property("mistakes missed", [len(missed), "1"])
    record_property("refusals without a mistake", [played.false_alarms(), "1"])
    assert_every_card_once(played, cards)
    assert missed == []


def begin(bench: "Bench", **more: Any) -> str:
    with bench.client() as client:
        return BatchState.model_validate(client.call("batch.begin", more)).id


def phase(bench: "Bench") -> str:
    with bench.client() as client:
        return BatchState.model_validate(client.call("batch.state")).phase


def put(bench: "Bench", seed: int, side: str) -> None:
    with bench.client() as client:
        client.call("twin.place", {"seed": seed, "side": side})


@pytest.mark.parametrize("at", ["settled", "scanning", "flip"])
def test_after_a_kill_the_batch_goes_on_at_the_same_card(bench: "Bench", at: str) -> None:
    quiet(bench)
    daemon = bench.start_daemon()
    with bench.client() as client:
        head = client.status().seq
        batch = begin(bench, cards=1)
        put(bench, 3, "front")
        for event in client.events(after=head):
            if event.type == "batch.phase" and event.data["phase"] == at:
                os.kill(daemon.pid, signal.SIGKILL)
                break
    daemon.wait()
    bench.processes.remove(daemon)
    log = LightLogReader(bench.data / "run" / "lights").open()
    bench.wait_for("the board to put its lights off by itself", lambda: log.mask() == 0)
    log.close()
    bench.start_daemon()
    put(bench, 3, "front")  # it lies there still: the twin forgot it with its process
    bench.wait_for("the front", lambda: phase(bench) == "flip")
    put(bench, 3, "back")
    bench.wait_for("the back", lambda: phase(bench) == "finished")
    with bench.client() as client:
        scans = [scan for scan in client.scan_list() if scan.batch == batch and scan.folder]
        assert sorted(scan.side for scan in scans) == ["back", "front"]
        assert len({scan.card_id for scan in scans}) == 1
        assert client.status().batch is None


def test_who_looks_sees_the_batch_and_may_not_scan_beside_it(bench: "Bench") -> None:
    quiet(bench)
    bench.start_daemon()
    with bench.client() as client:
        client.call("twin.remove")
    begin(bench, order="fronts")
    said = bench.run("status").stdout
    assert "batch       " in said
    refused = bench.run("scan")
    assert (refused.returncode, "a hands-free batch is open" in refused.stderr) == (9, True)
    with bench.client() as client:
        pictures = client.previews()
        first = next(pictures)
        assert first.jpeg.startswith(b"\xff\xd8")
        assert first.facts["seen"]["kind"] in ("empty", "still", "moving", "unclear")
        pictures.close()
    put(bench, 5, "front")
    bench.wait_for("a capture", lambda: "1 fronts" in bench.run("batch", "show").stdout)
    assert "0 fronts" in bench.run("batch", "undo").stdout
    with bench.client() as client:
        assert client.scan_list()[0].withdrawn == "the operator took it back"
    assert bench.run("batch", "finish").returncode == 0
    assert bench.run("batch", "finish").returncode == 1, "it is over"
