"""A simulated bench with a board process of its own, and a live eye over it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from station.calibrate.profile import load_profile
from station.config import BatchSettings, CameraSettings, Settings, TwinSettings
from station.documents.fault import StationError
from station.documents.live import Seen, SeenKind
from station.rig.serial_rig import SerialRig
from station.scan.hands import Hands
from station.scan.live.eye import LiveEye
from station.twin.bench import TwinBench
from station.twin.lightlog import LIGHTS, LightLogReader

LEASE_MS = 1_500
DPI = 60
BOUND_S = 30.0


@dataclass
class Watched:
    """An eye that looks, and all it has said."""

    bench: TwinBench
    rig: Any
    hands: Hands
    wants: bool = False
    seen: list[Seen] = field(default_factory=list)
    previews: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)
    troubles: list[StationError] = field(default_factory=list)
    eye: LiveEye = field(init=False)

    async def until(self, kind: SeenKind, condition: Callable[[Seen], bool] = lambda _: True) -> Seen:
        """The first look from now on that sees this."""
        from_here = len(self.seen)

        def found() -> Seen | None:
            fresh = self.seen[from_here:]
            return next((seen for seen in fresh if seen.kind == kind and condition(seen)), None)

        lately = [one.kind for one in self.seen[-20:]]
        seen: Seen = await self.wait_for(found, f"the eye saw {kind}: {lately}")
        return seen

    async def looks(self, count: int) -> list[Seen]:
        """So many further looks."""
        from_here = len(self.seen)
        await self.wait_for(lambda: len(self.seen) >= from_here + count, f"there were {count} looks")
        return self.seen[from_here : from_here + count]

    @staticmethod
    async def wait_for(condition: Callable[[], Any], what: str) -> Any:
        """Poll until it is true; what it is then."""
        try:
            async with asyncio.timeout(BOUND_S):
                while not (found := condition()):  # noqa: ASYNC110 - devices and threads
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"waited in vain until {what}")
        return found

    def edges(self) -> list[tuple[int, int]]:
        """Every edge of the lights so far, `(ns, mask)`, oldest first."""
        log = LightLogReader(self.bench.light_log).open()
        edges = [(when, mask & LIGHTS) for when, mask in log.edges_back()][::-1]
        log.close()
        return edges


@pytest.fixture
def watch(tmp_path: Path) -> Callable[..., Any]:
    """`async with watch() as watched` has an eye open over an empty mat.

    `wire`: with a triggered camera; `paused`: it does not look yet.
    """

    @asynccontextmanager
    async def opened(*, wire: bool = False, paused: bool = False, **batch: Any) -> AsyncIterator[Watched]:
        twin = TwinSettings(seed=7, dpi=DPI)
        camera = CameraSettings(trigger="wire" if wire else "none")
        settings = Settings(twin=twin, camera=camera, batch=BatchSettings(**batch))
        bench = TwinBench(tmp_path / "twin", twin, LEASE_MS, triggered=wire)
        bench.open()
        rig: Any = SerialRig(str(bench.port), 250_000, LEASE_MS, 2.5, on_fault=lambda _: None)
        hands = Hands(rig, bench.camera, lambda _: None)
        watched = Watched(bench, rig, hands)
        profile = load_profile("twin")
        watched.eye = LiveEye(
            rig,
            bench.camera,
            hands,
            profile,
            settings,
            on_seen=watched.seen.append,
            on_preview=lambda picture, facts: watched.previews.append((picture, facts)),
            wants_preview=lambda: watched.wants,
            on_trouble=watched.troubles.append,
        )
        try:
            await hands.on_rig(rig.open)
            await hands.on_camera(bench.camera.open)
            if paused:
                await watched.eye.pause()
            await watched.eye.open()
            yield watched
        finally:
            await watched.eye.close()
            rig.close()
            bench.camera.close()
            hands.close()
            bench.close()

    return opened
