"""`calibrate.check` on a real daemon, and the same without one."""

from typing import TYPE_CHECKING

import pytest

from station.cli.calibrate_check import check_text
from station.cli.rig_access import rig
from station.documents.calibration_check import CalibrationCheck
from station.documents.fault import StationError
from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench


def figures(checked: CalibrationCheck) -> dict[str, str]:
    return {one.name: one.verdict for one in checked.quality.figures}


def test_a_daemon_checks_its_rig_and_keeps_scans_away_meanwhile(bench: "Bench") -> None:
    bench.start_daemon()
    log = LightLogReader(bench.data / "run" / "lights").open()
    with bench.client() as client:
        client.call("twin.remove")
        with rig(bench.settings, None) as access:
            good = access.check()
            client.call("twin.lights", {"shares": {"2": 0}})
            broken = access.check()
        client.call("calibrate.check")
        with pytest.raises(StationError, match="held against its calibration") as refused:
            client.scan_start("front")
        assert refused.value.code == "busy"
        bench.wait_for("its end", lambda: _free(client))
    assert log.mask() == 0
    log.close()
    assert good.quality.findings == ()
    assert figures(good)["light_spread_percent"] == "pass"
    assert (good.profile, good.simulated) == ("twin", True)
    assert broken.quality.verdict == "redo"
    first = broken.quality.findings[0]
    assert (first.kind, first.lights) == ("unlit", (2,))
    text = check_text(broken)
    assert "profile twin: calibrate again." in text
    assert "light 2 is dead" in text
    assert "not assessed, the profile keeps no pictures of the mat" in text


def _free(client: object) -> bool:
    try:
        client.call("rig.info")  # type: ignore[attr-defined]
    except StationError:
        return False
    return True


def test_without_a_daemon_the_rig_is_opened_for_it(bench: "Bench") -> None:
    with rig(bench.settings, None) as access:
        found = access.check()
    assert found.quality.verdict in ("pass", "usable")
    assert len(found.lights) == 8
    assert "(on the digital twin)" in check_text(found)
