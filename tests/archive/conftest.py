"""Small scans and results, stored through the public interface."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from station.archive.catalogue import Catalogue
from station.archive.folder import ScanWriter, manifest_sha256
from station.archive.results import ResultWriter
from station.documents.ids import new_id
from station.documents.plan import ScanPlan
from station.documents.scan import Measurements, Provenance, ResultManifest, ScanManifest

CREATED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PROVENANCE = Provenance(
    software="0.1.0",
    firmware="1",
    board="b",
    camera="c",
    profile="p",
    profile_sha256="0" * 64,
    simulated=True,
    machine="m",
)
Store = Callable[..., tuple[ScanManifest, Path]]


def manifest_of(writer: ScanWriter, records: list, card_id: str = "card") -> ScanManifest:
    return ScanManifest(
        id=writer.scan_id,
        card_id=card_id,
        side="front",
        name="a card",
        created=CREATED.isoformat(),
        plan=ScanPlan(),
        provenance=PROVENANCE,
        frames=tuple(records),
        stages_s={"capture": 1.5},
    )


def noise(seed: int, shape: tuple[int, ...] = (20, 14, 3), dtype: str = "uint8") -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


MEMORY = Path("/dev/shm")  # noqa: S108 - a file system, not a guessable file


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A data root that is not there yet; in memory where that exists, because these tests sync a lot."""
    with TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path) as folder:
        yield Path(folder) / "data"


@pytest.fixture
def catalogue(root: Path) -> Iterator[Catalogue]:
    with Catalogue(root) as opened:
        yield opened


@pytest.fixture
def store(root: Path) -> Store:
    """Stores the files of a scan and, where a catalogue is given, its row."""

    def run(catalogue: Catalogue | None = None, lights: int = 2) -> tuple[ScanManifest, Path]:
        writer = ScanWriter(root, new_id(), CREATED)
        if catalogue is not None:
            catalogue.begin_scan(writer.scan_id, "card", "front", "a card", CREATED, simulated=True)
        lit = [None, *range(lights)]
        records = [
            writer.add_frame(light, noise(i), exposure_us=15_000, sequence=i, timestamp_s=i / 10)
            for i, light in enumerate(lit)
        ]
        manifest = manifest_of(writer, records)
        folder = writer.commit(manifest)
        if catalogue is not None:
            catalogue.captured(manifest, folder)
        return manifest, folder

    return run


@pytest.fixture
def compute() -> Callable[[Path], ResultManifest]:
    """Stores a result of a scan folder, without a row."""

    def run(folder: Path) -> ResultManifest:
        writer = ResultWriter(folder)
        writer.add_array("albedo", np.full((5, 4, 3), 0.5, np.float32), "fraction")
        writer.add_file("report.html", b"<p>a report</p>")
        return writer.commit(draft_result(folder))

    return run


def draft_result(folder: Path) -> ResultManifest:
    return ResultManifest(
        scan_id=folder.name,
        number=0,
        created=CREATED.isoformat(),
        software="0.1.0",
        profile="p",
        profile_sha256="0" * 64,
        parent_sha256=manifest_sha256(folder),
        artifacts=(),
        measurements=Measurements(),
        stages_s={"solve": 0.5},
    )


@pytest.fixture
def drafts() -> Callable[[Path], ResultManifest]:
    return draft_result


@pytest.fixture
def manifests() -> Callable[..., ScanManifest]:
    return manifest_of


@pytest.fixture
def pictures() -> Callable[..., np.ndarray]:
    return noise
