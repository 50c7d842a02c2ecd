"""What a side takes on the disk at 600 dpi, its result and report included, and how many fit on 1 TB.

Twin cards drawn anew in every run, both sides of each, stored and computed as the station stores and computes
them; bytes are what the file system gives out (blocks), not only the lengths of the files.
"""

import json
import secrets
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from station.archive.folder import ScanWriter, read_stack
from station.archive.results import latest_result
from station.calibrate.profile import load_profile
from station.documents.ids import new_id
from station.documents.plan import ScanPlan, Side
from station.documents.scan import Provenance, ScanManifest
from station.scan.stored import compute_stored, from_disk
from station.twin.scene import Scene
from station.twin.spec import CardSpec

DPI = 600
CARDS = 2
TERABYTE = 10**12
LIGHTS = (None, *range(8))


def store(root: Path, scene: Scene, spec: CardSpec) -> Path:
    """The nine frames of one side, stored durably; its folder."""
    created = datetime.now(UTC)
    writer = ScanWriter(root, new_id(), created)
    scene.place(spec)
    frames = tuple(
        writer.add_frame(
            light,
            scene.render(on, sequence=k),
            exposure_us=15_000,
            sequence=k,
            timestamp_s=k / 30,
        )
        for k, (light, on) in enumerate(zip(LIGHTS, np.eye(9, 8, -1), strict=True))
    )
    made = Provenance(
        software="bench",
        firmware="none",
        board="none",
        camera="twin",
        profile="twin",
        profile_sha256="0" * 64,
        simulated=True,
        machine="bench",
    )
    manifest = ScanManifest(
        id=writer.scan_id,
        card_id=f"{spec.seed}",
        side=spec.side,
        created=created.isoformat(),
        plan=ScanPlan(rectified_dpi=DPI),
        provenance=made,
        frames=frames,
    )
    return writer.commit(manifest)


def sides(root: Path, seeds: list[int]) -> Iterator[tuple[Side, Path]]:
    """Each card's front and back, stored and computed."""
    profile = load_profile("twin")
    for seed in seeds:
        scene = Scene(seed, dpi=DPI)
        side: Side
        for side in ("front", "back"):
            folder = store(root, scene, CardSpec(seed, side=side))
            compute_stored(folder, profile, from_disk(*read_stack(folder)))
            yield side, folder


def on_disk(path: Path) -> int:
    """What a file takes."""
    return path.stat().st_blocks * 512


def _print(name: str, value: float, unit: str, note: str = "") -> None:
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "note": note}), flush=True)


def main() -> None:
    """Measure."""
    seeds = [secrets.randbelow(2**31) for _ in range(CARDS)]
    print(f"seeds {seeds}", file=sys.stderr)
    parts: dict[str, list[int]] = defaultdict(list)
    totals: dict[str, list[int]] = defaultdict(list)
    with TemporaryDirectory() as name:
        for side, folder in sides(Path(name), seeds):
            result = latest_result(folder)
            assert result is not None
            files = [path for path in folder.rglob("*") if path.is_file()]
            totals[side].append(sum(map(on_disk, files)))
            parts["frames"].append(sum(on_disk(path) for path in folder.glob("*.tif")))
            for path in result.folder.iterdir():
                parts[path.name].append(on_disk(path))
    every = [size for sizes in totals.values() for size in sizes]
    note = f"{len(every)} sides of {CARDS} cards, seeds {seeds}"
    for side, sizes in totals.items():
        _print(f"bytes per side at 600 dpi, {side}", float(np.mean(sizes)) / 1e6, "MB", note)
    _print("bytes per side at 600 dpi, largest", max(every) / 1e6, "MB", note)
    for part, sizes in sorted(parts.items(), key=lambda item: -np.mean(item[1])):
        _print(f"bytes per side at 600 dpi, of it {part}", float(np.mean(sizes)) / 1e6, "MB")
    _print("sides that fit on 1 TB at 600 dpi", TERABYTE / float(np.mean(every)), "sides", note)


if __name__ == "__main__":
    main()
