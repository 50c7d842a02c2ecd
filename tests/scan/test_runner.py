"""The runner on the real path: board process behind a pty, simulated camera with a queue.

The twin knows which light burned.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from station.calibrate.profile import load_profile
from station.config import CameraSettings, TwinSettings
from station.documents.plan import ScanPlan
from station.rig.serial_rig import SerialRig
from station.scan import machine
from station.scan.exposure import LightCheck
from station.scan.runner import ScanRunner, TakenFrame, TakenStack
from station.twin.bench import TwinBench
from station.twin.camera import TwinCamera
from station.twin.lightlog import LightLogReader

DPI = 100
PLAN = ScanPlan()


@dataclass
class Witness:
    """A recorder that keeps what it is given."""

    news: list[machine.Tell] = field(default_factory=list)
    stack: TakenStack | None = None

    async def tell(self, _: str, news: machine.Tell) -> None:
        self.news.append(news)

    async def store(self, _: str, plan: ScanPlan, stack: TakenStack) -> None:
        assert plan.timing is not None
        assert plan.replace(timing=None) == PLAN
        self.stack = stack


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[TwinBench]:
    made = TwinBench(tmp_path / "run", TwinSettings(dpi=DPI), 1500)
    made.open()
    made.place(7, "front")
    yield made
    made.close()


def scan_with(bench: TwinBench, camera: TwinCamera, scans: int = 1) -> Witness:
    """Carry scans out one after another; the witness of the last."""
    rig = SerialRig(str(bench.port), 250_000, 1500, 2.5, on_fault=lambda _: None)

    async def carry_out() -> Witness:
        runner = ScanRunner(
            rig, camera, LightCheck(load_profile("twin"), CameraSettings()), witness := Witness()
        )
        await runner.on_rig(rig.open)
        await runner.on_camera(camera.open)
        try:
            for _ in range(scans):
                witness.news.clear()
                witness.stack = None
                await runner.run("id", PLAN)
        finally:
            rig.close()
            camera.close()
            runner.close()
        return witness

    return asyncio.run(carry_out())


def burned(taken: TakenFrame) -> set[int]:
    """Lights that really burned during the exposure of any row, from the twin's own knowledge."""
    shares = taken.frame.on  # type: ignore[attr-defined]
    return {light for band in shares for light, share in enumerate(band) if share > 0}


def burned_fully(taken: TakenFrame) -> bool:
    return all(band[taken.light] == pytest.approx(1.0) for band in taken.frame.on)  # type: ignore[attr-defined]


def camera_of(bench: TwinBench, **options: object) -> TwinCamera:
    return TwinCamera(bench.scene, bench.light_log, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("stale", [0, 3])
@pytest.mark.parametrize("stamps", ["arrival", "start"])
def test_every_accepted_frame_is_the_right_lights(bench: TwinBench, stale: int, stamps: str) -> None:
    """Also with the driver's queue three frames behind, and whichever end of the exposure it stamps."""
    witness = scan_with(bench, camera_of(bench, stale_frames=stale, stamps=stamps), scans=2)
    assert witness.stack is not None, witness.news
    assert [taken.light for taken in witness.stack.frames] == [None, *range(8)]
    for taken in witness.stack.frames:
        assert burned(taken) == (set() if taken.light is None else {taken.light})
        assert taken.light is None or burned_fully(taken)
    if stale:
        refused = sum(taken.caught.looked_at - 1 for taken in witness.stack.frames)
        assert refused >= 8 * (stale - 1), "stale frames were there to refuse"


def test_a_driver_that_stamps_the_moment_of_handing_out_cannot_slip_a_stale_frame_through(
    bench: TwinBench,
) -> None:
    """The gate is blind here; the fingerprint must see it.

    Either the frames are right or the scan fails with the reason.
    """
    witness = scan_with(bench, camera_of(bench, stale_frames=3, stamps="handout"))
    if witness.stack is None:
        failure = witness.news[-1]
        assert (failure.type, failure.code) == ("scan.failed", "frames_mismatched")
        assert "light" in failure.message
    else:
        assert all(burned(t) == (set() if t.light is None else {t.light}) for t in witness.stack.frames)


def test_lights_are_off_when_a_camera_falls_silent(bench: TwinBench) -> None:
    camera = camera_of(bench, silent_after_s=0.3)
    camera.silence()
    witness = scan_with(bench, camera)
    assert witness.stack is None
    assert witness.news[-1].code == "camera_silent"
    log = LightLogReader(bench.light_log).open()
    assert log.mask() == 0
    log.close()
