"""A simulated bench whose board and camera are as wrong as a test wants them, and scans carried out on it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.camera.interface import CameraInfo, CameraMode, CapturedFrame
from station.config import CameraSettings
from station.documents.judgement import Expected
from station.documents.plan import ScanPlan
from station.rig.interface import ExposureStep, StepReport
from station.rig.serial_rig import SerialRig
from station.scan import machine
from station.scan.exposure import LightCheck
from station.scan.runner import ANYTHING, Judge, ScanRunner, TakenFrame, TakenStack
from station.twin.camera import TwinCamera
from station.twin.lightlog import LightLogReader
from station.twin.running_board import RunningBoard, board_program
from station.twin.scene import Scene
from station.twin.spec import CardSpec

DPI = 60
LEASE_MS = 1_500
PLAN = ScanPlan()


@dataclass
class Witness:
    """A recorder that keeps what it is given of one scan."""

    news: list[machine.Tell] = field(default_factory=list)
    plan: ScanPlan | None = None
    stack: TakenStack | None = None
    began_s: float = field(default_factory=time.monotonic)
    stored_s: float = 0.0

    async def tell(self, _: str, news: machine.Tell) -> None:
        self.news.append(news)

    async def store(self, _: str, plan: ScanPlan, stack: TakenStack) -> None:
        self.plan, self.stack, self.stored_s = plan, stack, time.monotonic()

    @property
    def retakes(self) -> list[str]:
        return [f"{told.step}: {told.message}" for told in self.news if told.type == "scan.retake"]

    @property
    def frames(self) -> tuple[TakenFrame, ...]:
        assert self.stack is not None, self.news
        return self.stack.frames

    @property
    def kind(self) -> str:
        assert self.plan is not None, self.news
        assert self.plan.timing is not None
        return self.plan.timing.kind

    @property
    def span(self) -> int:
        """Frame numbers from the first to the last that was taken."""
        numbers = [taken.frame.sequence for taken in self.frames]
        return max(numbers) - min(numbers) + 1


class _Relay:
    """Hands the runner's news to the witness of the scan under way."""

    def __init__(self) -> None:
        self.witness = Witness()

    async def tell(self, scan_id: str, news: machine.Tell) -> None:
        await self.witness.tell(scan_id, news)

    async def store(self, scan_id: str, plan: ScanPlan, stack: TakenStack) -> None:
        await self.witness.store(scan_id, plan, stack)


@dataclass
class BadCamera:
    """A camera whose frames go through a test's hands; None drops a frame."""

    camera: TwinCamera
    handle: Callable[[CapturedFrame], CapturedFrame | None]
    done: bool = False

    def open(self) -> CameraInfo:
        return self.camera.open()

    def configure(self, mode: CameraMode) -> CameraMode:
        return self.camera.configure(mode)

    def frames(self) -> Iterator[CapturedFrame]:
        return (seen for frame in self.camera.frames() if (seen := self.handle(frame)) is not None)

    def close(self) -> None:
        self.camera.close()


@dataclass
class SlowRig:
    """A rig on a machine that lets its thread wait too long, the first times that it runs a programme."""

    rig: SerialRig
    times: int

    def run(self, steps: tuple[ExposureStep, ...], at_s: float | None = None) -> tuple[StepReport, ...]:
        if self.times and at_s is not None:
            self.times -= 1
            time.sleep(max(0.0, at_s + 0.01 - time.monotonic()))  # the fault itself
        return self.rig.run(steps, at_s)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rig, name)


@dataclass
class Bench:
    """A board process and a scene; what is scanned with it is up to the test."""

    port: Path
    light_log: Path
    scene: Scene
    board: RunningBoard

    def camera(self, **options: Any) -> TwinCamera:
        return TwinCamera(self.scene, self.light_log, **options)

    def dropping(self, every: int, **options: Any) -> BadCamera:
        """A camera that drops every so-manieth frame."""
        return BadCamera(self.camera(**options), lambda frame: frame if frame.sequence % every else None)

    def through(self, handle: Callable[[CapturedFrame], CapturedFrame | None], **options: Any) -> BadCamera:
        """A camera whose every frame goes through a test's hands."""
        return BadCamera(self.camera(**options), handle)

    def stumbling(self, **options: Any) -> BadCamera:
        """A camera whose stream breaks off and begins anew, once, when it first hands out a frame with a
        light burning."""

        def handle(frame: CapturedFrame) -> CapturedFrame:
            if not bad.done and self.burning():
                bad.done = True
                bad.camera.stumble()
            return frame

        bad = BadCamera(self.camera(**options), handle)
        return bad

    async def lit(self) -> None:
        """Returns when a light burns."""
        while not self.burning():  # noqa: ASYNC110 - another process's light
            await asyncio.sleep(0.005)

    def burning(self) -> int:
        """Lights burning now, as a mask; without the trigger."""
        log = LightLogReader(self.light_log).open()
        mask = log.mask() & 0xFF
        log.close()
        return mask

    def scan(
        self,
        camera: TwinCamera | BadCamera,
        plan: ScanPlan = PLAN,
        *,
        scans: int = 1,
        profile: LoadedProfile | None = None,
        wire: bool = False,
        late_runs: int = 0,
        judge: Judge | None = None,
        expected: Expected = ANYTHING,
        during: Callable[[ScanRunner], Coroutine[Any, Any, None]] | None = None,
    ) -> list[Witness]:
        """Carry scans out one after another.

        Args:
            camera, plan, scans, profile: what to scan, with what, and how often.
            wire: the trigger is wired.
            late_runs: programmes that the board is told of too late.
            judge, expected: of the taken stacks.
            during: runs beside the scans.
        """
        real = SerialRig(str(self.port), 250_000, LEASE_MS, 2.5, on_fault=lambda _: None)
        rig: Any = SlowRig(real, late_runs) if late_runs else real
        settings = CameraSettings(trigger="wire" if wire else "none")
        check = LightCheck(profile or load_profile("twin"), settings)

        async def carry_out() -> list[Witness]:
            runner = ScanRunner(rig, camera, check, relay := _Relay(), judge)
            await runner.on_rig(rig.open)
            await runner.on_camera(camera.open)
            seen = []
            beside = asyncio.create_task(during(runner)) if during else None
            try:
                for _ in range(scans):
                    relay.witness = Witness()
                    await runner.run("id", plan, expected)
                    seen.append(relay.witness)
                if beside is not None:
                    await beside
            finally:
                rig.close()
                camera.close()
                runner.close()
            return seen

        return asyncio.run(carry_out())


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """`make_bench("--clock-ppm", "5000")` starts a board with these options; a card lies in front of it."""
    boards: list[RunningBoard] = []

    def make(*options: str, dpi: float = DPI) -> Bench:
        port, light_log = tmp_path / "board", tmp_path / "lights"
        board = RunningBoard(port, light_log)
        boards.append(board)
        board.start([*board_program("software", LEASE_MS), *options])
        scene = Scene(7, dpi=dpi)
        scene.place(CardSpec(7, "front", None))
        return Bench(port, light_log, scene, board)

    yield make
    for board in boards:
        board.close()


@pytest.fixture
def profile_with() -> Callable[..., LoadedProfile]:
    """The twin's profile, with some fields of its camera changed."""

    def make(**changes: Any) -> LoadedProfile:
        loaded = load_profile("twin")
        camera = loaded.profile.camera.replace(**changes)
        return replace(loaded, profile=loaded.profile.replace(camera=camera))

    return make


def _burned(taken: TakenFrame) -> list[set[int]]:
    """Lights that really burned during the exposure of each band of rows, from the twin's own knowledge."""
    return [{light for light, share in enumerate(band) if share > 0} for band in taken.frame.on]  # type: ignore[attr-defined]


@pytest.fixture
def wrong() -> Callable[[TakenFrame, TakenStack], str]:
    """What is wrong with a frame that was taken: nothing, or one sentence."""

    def judge(taken: TakenFrame, stack: TakenStack) -> str:
        bands: list[list[float]] = taken.frame.on  # type: ignore[attr-defined]
        expected = set() if taken.light is None else {taken.light}
        if any(burned != expected for burned in _burned(taken)):
            return f"{taken.caught.exposure}: there burned {_burned(taken)}"
        if taken.light is None:
            return ""
        on_us = taken.caught.on_us or stack.mode.exposure_us
        shares = [band[taken.light] * stack.mode.exposure_us for band in bands]
        # 10 µs for the ticks of the board's clock and what is left of the rate's error
        if max(abs(share - on_us) for share in shares) > 10:
            return f"{taken.caught.exposure}: rows saw {shares} µs of it, {on_us} were said"
        return ""

    return judge
