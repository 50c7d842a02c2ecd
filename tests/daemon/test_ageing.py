"""A lamp that changes while a daemon scans: told once, marked on the scans, known after a restart."""

from typing import TYPE_CHECKING

from station.documents.ageing import Ageing

if TYPE_CHECKING:
    from conftest import Bench


def test_a_changed_light_is_told_marked_and_remembered(bench: "Bench") -> None:
    daemon = bench.start_daemon()
    with bench.client() as client:
        head = client.status().seq
        client.call("twin.lights", {"shares": {"2": 0.72}})
        scans = [bench.scan(client)[0] for _ in range(3)]
        marks = [client.scan_get(scan_id).result for scan_id in scans]
        told = [event for event in client.events_since(head) if event.type == "calibration.ageing"]
        before = client.status().calibration
    assert [one.measurements.quality.calibration for one in marks if one] == [None, None, "now"]
    assert [event.cause for event in told] == [scans[2]]
    assert [len(one.measurements.warnings) for one in marks if one] == [0, 0, 1]
    said = Ageing.model_validate(told[0].data)
    assert [(sign.figure, sign.lights) for sign in said.signs] == [("light_spread_percent", (2,))]
    assert before.signs[0].lights == (2,)
    assert "calibration now: Since the calibration light 2 became" in bench.run("status").stdout
    bench.stop(daemon)
    bench.start_daemon()
    with bench.client() as client:
        again = bench.wait_for("what was known", lambda: client.status().calibration.signs)
    assert [sign.lights for sign in again] == [(2,)]
