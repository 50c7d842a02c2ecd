"""`twin.*` of `control` on a real daemon: hands for whoever has none."""

from typing import TYPE_CHECKING

import pytest

from station.documents.fault import StationError
from station.documents.operating import Diary, Prepared

if TYPE_CHECKING:
    from conftest import Bench


def test_cards_hands_and_an_operator_over_control_and_a_scan_from_memory(bench: "Bench") -> None:
    bench.configure(twin={"dpi": 80, "served": True, "served_mb": 50})
    bench.start_daemon()
    with bench.client() as client:
        client.call("twin.prepare", {"seeds": [2], "sides": ["front"]})

        def prepared() -> Prepared:
            return Prepared.model_validate(client.call("twin.prepared"))

        bench.wait_for("the pictures", lambda: prepared().done)
        with pytest.raises(StationError, match="served_mb"):
            client.call("twin.prepare", {"seeds": list(range(3, 90))})
        how = {"seed": 2, "nudge": [0.5, 0.5, 0.5]}
        client.call("twin.place", how)
        bench.scan(client, "scan.captured")
        assert prepared().served >= 9

        client.call("twin.place", how | {"copy_number": 2, "turned": True, "sleeve": True, "side": "back"})
        client.call("twin.hand", {"phase": 0.6, "edge": "left"})
        client.call("twin.hand", {"phase": 0})
        client.call("twin.pair", {"seeds": [3, 4]})
        with pytest.raises(StationError):
            client.call("twin.hand", {"phase": 2})
        with pytest.raises(StationError, match=r"twin\.operate"):
            client.call("twin.diary")
        client.call("twin.operate", {"cards": 3, "pace": 0, "mistakes": {"sleeve": 1.0}, "careful": 0})
        diary = Diary.model_validate(client.call("twin.diary"))
        assert (diary.done, diary.sides, diary.planted, diary.entries) == (False, 6, {"sleeve": 3}, ())
