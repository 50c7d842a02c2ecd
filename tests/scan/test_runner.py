"""The runner where lights are gated: board process behind a pty, simulated camera with a queue.

The twin knows which light burned.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Bench, Witness

    from station.calibrate.profile import LoadedProfile


@pytest.fixture
def gated(profile_with: Any) -> "LoadedProfile":
    """Nobody has measured what the stamps mean."""
    found: LoadedProfile = profile_with(stamp_at="unknown")
    return found


def all_right(one: "Witness", wrong: Any) -> bool:
    return [line for taken in one.frames if (line := wrong(taken, one.stack))] == []


@pytest.mark.parametrize(("stale", "stamps"), [(0, "start"), (3, "arrival")])
def test_every_accepted_frame_is_the_right_lights(
    make_bench: Any, gated: Any, wrong: Any, stale: int, stamps: str
) -> None:
    """Also with the driver's queue three frames behind, and whichever end of the exposure it stamps."""
    bench: Bench = make_bench()
    *_, one = bench.scan(bench.camera(stale_frames=stale, stamps=stamps), scans=2, profile=gated)
    assert one.kind == "gated"
    assert [taken.light for taken in one.frames] == [None, *range(8)]
    assert all_right(one, wrong)
    told = [news.step for news in one.news if news.type == "scan.step"]
    assert told == ["ambient", *(f"light {k}" for k in range(8)), "verifying", "judging", "storing"]
    if stale:
        refused = sum(taken.caught.looked_at - 1 for taken in one.frames)
        assert refused >= 8 * (stale - 1), "stale frames were there to refuse"


@pytest.mark.parametrize("stamp_at", ["unknown", "end"])
def test_a_driver_that_stamps_the_moment_of_handing_out_cannot_slip_a_stale_frame_through(
    make_bench: Any, profile_with: Any, wrong: Any, stamp_at: str
) -> None:
    """The times are of no use here, even where the profile trusts them; the fingerprint must see it.

    Either the frames are right or the scan fails with the reason.
    """
    bench: Bench = make_bench()
    camera = bench.camera(stale_frames=3, stamps="handout")
    [one] = bench.scan(camera, profile=profile_with(stamp_at=stamp_at))
    if one.stack is None:
        failure = one.news[-1]
        assert (failure.type, failure.code) == ("scan.failed", "frames_mismatched")
        assert failure.message.startswith(("ambient: ", "light "))
    else:
        assert all_right(one, wrong)


def test_lights_are_off_when_a_camera_falls_silent(make_bench: Any, gated: Any) -> None:
    bench: Bench = make_bench()
    camera = bench.camera(silent_after_s=0.3)
    camera.silence()
    [one] = bench.scan(camera, profile=gated)
    assert one.stack is None
    assert one.news[-1].code == "camera_silent"
    assert bench.burning() == 0
