"""A station under fire: daemon, trainer and client as processes, killed at random, and the final count."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station.archive.folder import check_stack, scan_folders
from station.client import StationClient
from station.documents.fault import StationError
from station.training.intake_store import FileIntakeStore
from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench

CLIENT = Path(__file__).with_name("scanning_client.py")
STEPS = ("preparing", "exposing", "verifying", "judging", "storing", "idle")
"""Phases of the scan machine in which the daemon is killed in turn."""


class Watcher:
    """Notes what the daemon last told of its machine, across its deaths."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench
        self._changed = threading.Condition()
        self._phase = ""
        self._stop = False
        self._thread = threading.Thread(target=self._follow, name="watcher")
        self._thread.start()

    def _follow(self) -> None:
        while not self._stop:
            try:
                with StationClient.from_settings(self._bench.settings) as client:
                    for event in client.events():
                        self._note(event.type, str(event.data.get("step", "")))
                        if self._stop:
                            return
            except StationError:
                self._note("", "")

    def _note(self, kind: str, step: str) -> None:
        phases = {
            "scan.started": "preparing",
            "scan.step": step if step in STEPS else "exposing",
            "scan.captured": "idle",
            "scan.failed": "idle",
        }
        if kind in phases or not kind:
            with self._changed:
                self._phase = phases.get(kind, "")
                self._changed.notify_all()

    def until(self, phase: str, timeout_s: float = 30.0) -> bool:
        """Wait for the next time that the machine is in a phase."""
        with self._changed:
            return self._changed.wait_for(lambda: self._phase == phase, timeout_s)

    def close(self) -> None:
        self._stop = True
        self._thread.join(30)


class Endurance:
    """The processes of one station, who is killed next, and what was acknowledged."""

    def __init__(self, bench: "Bench", seed: int) -> None:
        self.bench = bench
        self.notes = bench.root / "acknowledged"
        self.notes.touch()
        self.kills: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._running: dict[str, subprocess.Popen[Any]] = {}
        self._turn = 0
        for name in ("daemon", "trainer", "client"):
            self._start(name)
        self._watcher = Watcher(bench)

    def _start(self, name: str) -> None:
        if name == "client":
            command = [sys.executable, str(CLIENT), str(self.bench.config), str(self.notes)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            self.bench.processes.append(process)
        else:
            process = self.bench.start_daemon() if name == "daemon" else self.bench.start("trainer")
        self._running[name] = process

    @property
    def acknowledged(self) -> list[str]:
        return self.notes.read_text().split()

    def kill(self) -> None:
        """Kill one of them at a bad moment, see that no light burns, and start it again."""
        victim = self._rng.choices(["daemon", "trainer", "client"], [6, 3, 2])[0]
        where = victim
        if victim == "daemon":
            phase = STEPS[self._turn % len(STEPS)]
            self._turn += 1
            where = f"daemon while {phase}" if self._watcher.until(phase) else "daemon"
        threading.Event().wait(self._rng.uniform(0, 0.03 if victim == "daemon" else 0.8))
        process = self._running[victim]
        log = LightLogReader(self.bench.data / "run" / "lights").open() if victim == "daemon" else None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.bench.processes.remove(process)
        self.kills[where] += 1
        if log is not None:
            self.bench.wait_for("the board to put its lights off by itself", lambda: log.mask() == 0)
            log.close()
        self._start(victim)

    def settle(self) -> None:
        """End the client, let everything be delivered, and end the services in order.

        What is not computed by then stays pending, as after any stop.
        """
        client = self._running["client"]
        self.bench.stop(client, signal.SIGKILL)
        with self.bench.client() as station:
            self.bench.wait_for("the last scan", lambda: station.status().scanning is None)
            self.bench.wait_for_long("all to be delivered", lambda: station.status().undelivered == 0)
        self._watcher.close()
        for name in ("daemon", "trainer"):
            assert self.bench.stop(self._running[name]) == 0

    def count(self) -> dict[str, int]:
        """What disk, catalogue and intake hold, after every law was checked."""
        bench, acknowledged = self.bench, self.acknowledged
        assert len(set(acknowledged)) == len(acknowledged)
        on_disk = {check_stack(folder, hashes=True).id for folder in scan_folders(bench.data)}
        assert set(acknowledged) <= on_disk, "an acknowledged capture was lost"
        assert not [*bench.data.glob("scans/*/*/*/*.part"), *bench.data.glob("scans/*/*/*/*/results/*.part")]
        bench.start_daemon()
        with bench.client() as station:
            stored = {scan.id for scan in station.scan_list(1_000) if scan.folder}
            assert station.status().scans == len(on_disk)
        assert stored <= on_disk
        with FileIntakeStore(bench.settings.trainer_data) as store:
            parcels = store.parcels()
            delivered = {parcel.scan_id for parcel in parcels}
            assert on_disk == delivered, "disk and intake differ"
            assert len({parcel.id for parcel in parcels}) == len(parcels), "a parcel was taken twice"
            for parcel in parcels[-50:]:
                assert all(store.path(file.sha256).stat().st_size == file.bytes for file in parcel.files)
        return {"acknowledged": len(acknowledged), "stored": len(on_disk), "parcels": len(parcels)}
