"""A rig that was never calibrated: what its nominal scale makes larger is no second card."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Bench


def test_a_card_seems_larger_under_a_starting_profile_and_is_scanned(bench: "Bench") -> None:
    bench.configure(twin={"rig_seed": 61})  # whose card measures 65 x 91 mm by the starting profile
    bench.start_daemon()
    with bench.client() as client:
        bench.scan(client, "scan.captured")
