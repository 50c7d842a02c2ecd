"""A disk that is really full and one that is really read-only, in a mount namespace of the test's own."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from station.archive.folder import ScanWriter
from station.archive.results import ResultWriter
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.scan import ScanManifest

Store = Callable[..., tuple[ScanManifest, Path]]
Pictures = Callable[..., np.ndarray]
CREATED = datetime(2026, 11, 22, tzinfo=UTC)
CHILD = Path(__file__).with_name("storing_child.py")
MOUNT = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'


@pytest.fixture
def namespace(tmp_path: Path) -> list[str]:
    """The start of a command that runs with a file system of 1 MB on `tmp_path`, seen by nobody else."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    trial = [*unshare, "sh", "-c", MOUNT, str(tmp_path), "true"]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        sentence = "this machine lets nobody mount a small file system, so a full disk was not tried"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    return trial[:-1]


def test_a_full_disk_loses_nothing_and_a_read_only_one_is_named(tmp_path: Path, namespace: list[str]) -> None:
    command = [*namespace, sys.executable, str(CHILD), "starve", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    [seen] = [json.loads(line[5:]) for line in ended.stdout.splitlines() if line.startswith("SEEN ")]
    assert seen == {
        "frames": "disk_full",
        "reason": "disk_full",
        "parts": [],
        "catalogue": "disk_full",
        "result": "disk_full",
        "results left": [],
        "lost events": 0,
        "recovered": True,
        "frames read": [3, 3],
        "read-only scan": "data_unwritable",
        "read-only catalogue": "data_unwritable",
        "read-only read": 3,
    }
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 40 kB; the system answers EFBIG (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_files_beyond_the_limit_are_a_full_disk(
    root: Path, store: Store, pictures: Pictures, small_files: None
) -> None:
    _, folder = store()
    writer = ScanWriter(root, new_id(), CREATED)
    writer.add_frame(None, pictures(0), exposure_us=1, sequence=1, timestamp_s=0)
    with pytest.raises(StationError, match="File too large") as caught:
        writer.add_frame(0, pictures(0, (200, 140, 3)), exposure_us=1, sequence=2, timestamp_s=0)
    assert caught.value.code == "disk_full"
    with pytest.raises(StationError) as caught:
        ResultWriter(folder).add_file("report.html", bytes(50_000))
    assert caught.value.code == "disk_full"
    assert [path.name for path in root.glob("scans/*/*/*/*")] == [folder.name]
    assert list((folder / "results").iterdir()) == []
