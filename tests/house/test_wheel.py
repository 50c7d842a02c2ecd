"""The wheel, installed elsewhere with its declared base dependencies alone, does what the checkout does."""

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.early


def _run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, checkout, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, checkout: Path) -> Iterator[Path]:
    """A fresh environment somewhere else: its folder of programs."""
    with tempfile.TemporaryDirectory(prefix="st", dir="/tmp") as name:
        folder = Path(name)
        _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
        programs = folder / "venv" / "bin"
        constraints = checkout / "constraints.txt"
        _run(programs / "python", "-m", "pip", "install", "-q", wheel, "-c", constraints, cwd=folder)
        yield programs


def test_wheel_holds_every_committed_file(
    wheel: Path, tracked: list[Path], checkout: Path, pyproject: dict[str, Any]
) -> None:
    shipped = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] | {
        "station": "station"
    }
    expected = {
        shipped[top] + str(path.relative_to(checkout)).removeprefix(top)
        for path in tracked
        if (top := path.relative_to(checkout).parts[0]) in shipped
    }
    assert len(expected) > 50
    assert expected - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_wheel_holds_no_tests_and_no_caches(wheel: Path) -> None:
    strange = re.compile(r"(^tests/|__pycache__|\.venv|\.nbi$|\.pyc$)")
    assert [name for name in zipfile.ZipFile(wheel).namelist() if strange.search(name)] == []


@pytest.mark.timeout(600)
def test_demo_runs_from_the_wheel_in_an_empty_home(installed: Path, private_home: Any) -> None:
    env = {key: value for key, value in private_home.env.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    elsewhere = private_home.path
    where = _run(
        installed / "python", "-c", "import station; print(station.__file__)", cwd=elsewhere, env=env
    )
    assert where.startswith(str(installed.parent))
    assert re.fullmatch(
        r"station \d+\.\d+\.\d+\n", _run(installed / "station", "--version", cwd=elsewhere, env=env)
    )

    said = _run(installed / "station", "demo", "--seed", "3", "--dpi", "150", cwd=elsewhere, env=env)
    reports = re.findall(r"^\s+(/\S+report\.html)$", said, re.MULTILINE)
    assert len(reports) == 3
    for report in reports:
        assert Path(report).is_relative_to(elsewhere)
        assert Path(report).stat().st_size > 10_000
