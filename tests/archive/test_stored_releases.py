"""What a release has stored, every later one opens: scans, results, catalogue; a folder for each form."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from station.archive.catalogue import Catalogue
from station.archive.database import FILE
from station.archive.folder import read_stack, scan_folders
from station.archive.recovery import Recovery, rebuild, recover
from station.archive.results import latest_result
from station.archive.schema import upgrade

FIXTURES = Path(__file__).parents[1] / "fixtures"
RELEASES = sorted(path.name for path in FIXTURES.glob("scan-v*"))


@pytest.fixture(params=RELEASES)
def stored(request: pytest.FixtureRequest, root: Path) -> Path:
    """A copy of what one release stored, because opening a catalogue writes to it."""
    shutil.copytree(FIXTURES / request.param, root)
    return root


def test_there_is_something_stored() -> None:
    assert "scan-v1" in RELEASES


def test_the_stacks_can_be_read(stored: Path) -> None:
    folders = list(scan_folders(stored))
    assert folders
    for folder in folders:
        manifest, frames = read_stack(folder)
        assert [frame.light for frame in manifest.frames][:2] == [None, 0]
        assert len({frame.shape for frame in frames}) == 1
        # Lit frames are brighter than the ambient one: the pixels mean something.
        assert all(frame.mean() > 2 * frames[0].mean() for frame in frames[1:])


def test_the_results_can_be_read(stored: Path) -> None:
    for folder in scan_folders(stored):
        result = latest_result(folder)
        assert result is not None
        for artifact in result.manifest.artifacts:
            content = result.content(artifact.name)
            if artifact.shape is not None:
                assert result.array(artifact.name).shape == artifact.shape
            else:
                assert len(content) == artifact.bytes
        normals = result.array("normals")
        lengths = np.linalg.norm(normals[np.isfinite(normals).all(axis=2)], axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-5)
        assert result.manifest.measurements.centering is not None


def test_the_catalogue_can_be_upgraded_and_opened(stored: Path) -> None:
    upgrade(stored)
    with Catalogue(stored) as catalogue:
        assert recover(stored, catalogue) == Recovery()
        [summary] = catalogue.scans()
        assert summary.state == "processed"
        assert (stored / str(summary.report)).is_file()
        events = catalogue.events_since(0)
        assert [event.type for event in events] == ["scan.started", "scan.captured", "scan.processed"]


def test_the_catalogue_can_be_rebuilt(stored: Path) -> None:
    (stored / FILE).unlink()
    done = rebuild(stored)
    assert len(done.adopted) == len(done.adopted_results) == 1
    with Catalogue(stored) as catalogue:
        assert catalogue.scans()[0].state == "processed"


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_scan_fixture", FIXTURES / "make_scan_fixture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_this_release_reads_the_pixels_that_the_first_one_stored(stored: Path) -> None:
    """The maker's arrays are computed anew and compared with what was stored: decoding did not drift."""
    maker = _maker()
    folder = next(scan_folders(stored))
    if read_stack(folder)[0].provenance.camera != "tests/fixtures/make_scan_fixture.py":
        pytest.skip("made from another source than the maker's pictures")
    result = latest_result(folder)
    assert result is not None
    for name, expected, error in (("normals", maker.normals(), 5e-5), ("albedo", maker.albedo(), 8e-6)):
        np.testing.assert_allclose(result.array(name), expected, atol=error)
    np.testing.assert_allclose(result.array("height"), maker.heights(), atol=1e-6)
    manifest, frames = read_stack(folder)
    for record, pixels in zip(manifest.frames, frames, strict=True):
        clean = maker.clean_frame(record.light)
        sigmas = np.abs(pixels - clean) / np.sqrt(clean)
        assert sigmas.max() < 8
