"""How long a newcomer waits: the demo's second run, and `station status` against a running daemon."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STATION = [sys.executable, "-m", "station.cli"]
ASKED = 9


def timed(words: list[str], env: dict[str, str]) -> float:
    """Seconds of one command from start to exit."""
    start = time.perf_counter()
    subprocess.run([*STATION, *words], env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def tell(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "note": note}), flush=True)


def status_s(env: dict[str, str]) -> float:
    """Median time of `station status` while a daemon runs."""
    daemon = subprocess.Popen(
        [*STATION, "daemon"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while subprocess.run([*STATION, "status"], env=env, check=False, capture_output=True).returncode:
            if daemon.poll() is not None:
                raise SystemExit("the daemon did not start")
        return statistics.median(timed(["status"], env) for _ in range(ASKED))
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    """Measure in an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "STATION_"))}
    with tempfile.TemporaryDirectory(prefix="st", dir="/tmp") as home:
        env = {**kept, "HOME": str(Path(home))}
        timed(["demo"], env)
        tell("demo, second run", timed(["demo"], env), "s", "three cards at 600 dpi, from start to exit")
        tell("station status", status_s(env), "s", f"median of {ASKED}, from start to exit")


if __name__ == "__main__":
    main()
