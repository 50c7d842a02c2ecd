"""`rig.*` of `control` on a real daemon: questions, orders, the selftest, and the port lent."""

import contextlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from station.client import StationClient
from station.documents.fault import StationError
from station.documents.rig import RigReport, SelftestReport
from station.rig.link import SerialLink
from station.twin.lightlog import LightLogReader
from station.wire import messages as m

if TYPE_CHECKING:
    from conftest import Bench


def refused(call: Callable[[], object]) -> StationError:
    with pytest.raises(StationError) as caught:
        call()
    return caught.value


def verdict_of(client: StationClient) -> dict[str, Any]:
    """The verdict of a selftest."""
    head = client.status().seq
    test_id = client.call("rig.selftest")["test_id"]
    assert refused(lambda: client.scan_start("front")).code == "busy"
    return next(
        event.data
        for event in client.events(after=head)
        if (event.type, event.cause) == ("rig.tested", test_id)
    )


def test_questions_and_orders(bench: "Bench") -> None:
    bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client, contextlib.closing(log):
        found = RigReport.model_validate(client.call("rig.info"))
        assert (found.board, found.schema_hash) == ("software board", f"{m.SCHEMA_HASH:08x}")
        lit = client.call("rig.ask", {"order": {"do": "light", "light": 3, "max_on_ms": 10_000}})
        assert [entry["name"] for entry in lit["traffic"]] == ["Light", "Ok"]
        assert log.mask() == 1 << 3
        client.call("rig.ask", {"order": {"do": "programme", "lights": [None, 1], "gap_us": 1_000}})

        def done() -> bool:
            names = [entry["name"] for entry in client.call("rig.traffic", {"number": 0})]
            return names.count("StepDone") == 2 and names[-1] == "ProgrammeDone"

        bench.wait_for("the programme's end", done)
        too_many = client.call(
            "rig.ask", {"order": {"do": "programme", "lights": [1], "expose_us": 10_000_000}}
        )
        assert too_many["refused"] == "the board refused Arm: the duration is outside the board's limits"
        for order in (
            {"do": "light", "light": 8, "max_on_ms": 1},
            {"do": "fire"},
            {},
            {"do": "off", "now": True},
        ):
            assert refused(lambda order=order: client.call("rig.ask", {"order": order})).code == "bad_request"
        not_disturbed(bench, client)
    assert "Traceback" not in bench.output("daemon")


def not_disturbed(bench: "Bench", client: StationClient) -> None:
    """While a scan runs, everything else is refused."""
    head = client.status().seq
    scan_id = client.scan_start("front")
    for method, params in [
        ("rig.info", {}),
        ("rig.ask", {"order": {"do": "off"}}),
        ("rig.selftest", {}),
        ("rig.release", {"for_s": 5}),
    ]:
        error = refused(lambda method=method, params=params: client.call(method, params))
        assert (error.code, scan_id in str(error)) == ("busy", True)
    bench.follow(client, head, scan_id, "scan.captured")


def test_the_selftest_over_control(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        sound = SelftestReport.model_validate(verdict_of(client))
        assert (sound.passed, sound.simulated, sound.profile) == (True, True, "twin")
        client.call("twin.lights", {"shares": {"3": 0, "5": 0.4}, "swapped": [[1, 2]]})
        broken = bench.run("rig", "selftest")
        assert broken.returncode == 14
        assert "lights 1 and 2 are swapped" in broken.stdout
        assert "light 3 is dead" in broken.stdout
        weak = re.search(r"light 5 has (\d+) % of the brightness expected", broken.stdout)
        assert weak is not None
        assert 35 <= int(weak[1]) <= 45
        assert "error: 3 things are wrong" in broken.stderr
        client.call("twin.lights", {"covered": True})
        blind = SelftestReport.model_validate(verdict_of(client))
        assert [finding.kind for finding in blind.findings] == ["camera_blind"]
        client.call("twin.lights")
        client.call("twin.camera", {"plugged": False})
        assert verdict_of(client)["code"].startswith("camera_")
        client.call("twin.camera", {"plugged": True})
        bench.wait_for("the camera", lambda: client.status().camera.state == "simulated")
        assert SelftestReport.model_validate(verdict_of(client)).passed
        assert client.status().state == "idle"
        bench.scan(client, "scan.captured")


def test_the_port_is_lent_and_taken_back(bench: "Bench") -> None:
    bench.start_daemon()
    with bench.client() as client:
        lent = client.call("rig.release", {"for_s": 60, "why": "a test"})
        assert lent == {"port": str(bench.data / "run" / "board"), "baud": m.BAUD}
        rig = client.status().rig
        assert (rig.state, rig.evidence) == ("unknown", "port lent to a test")
        link = SerialLink(lent["port"], lent["baud"])
        link.open()  # it is free
        link.close()
        assert refused(lambda: client.scan_start("front")).code == "busy"
        assert refused(lambda: client.call("rig.info")).code == "busy"
        assert refused(lambda: client.call("rig.release", {"for_s": 1})).code == "busy"
        RigReport.model_validate(client.call("rig.retake"))
        assert client.status().rig.state == "simulated"
        RigReport.model_validate(client.call("rig.retake"))  # once more does no harm
        client.call("rig.release", {"for_s": 0.2})  # and nobody gives it back
        bench.wait_for("the end of the term", lambda: client.status().rig.state == "simulated")
        bench.scan(client, "scan.captured")
    assert "Traceback" not in bench.output("daemon")


def test_the_commands_go_over_control(bench: "Bench") -> None:
    bench.start_daemon()
    done = bench.run("rig", "info")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"at {bench.data / 'run' / 'board'}" in done.stdout
    stolen = bench.run("rig", "info", "--port", str(bench.data / "run" / "board"))
    assert (stolen.returncode, "cannot be opened" in stolen.stderr) == (6, True)
    assert bench.run("rig", "flash").returncode == 6  # a software board has no chip
    with bench.client() as client:
        bench.scan(client, "scan.captured")
