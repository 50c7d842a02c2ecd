import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of the tree under test."""
    return ROOT


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def sources(pyproject: dict[str, Any]) -> list[Path]:
    """The hand-written modules of the station; generated ones are named where ruff is told of them."""
    generated = {ROOT / name for name in pyproject["tool"]["ruff"]["extend-exclude"]}
    found = sorted(set((ROOT / "station").rglob("*.py")) - generated)
    assert len(found) > 50, "the search itself is broken"
    return found


@pytest.fixture(scope="session")
def tracked(program: Callable[[str], str]) -> list[Path]:
    """Every committed file."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nothing in it is committed")
    # a checkout may belong to another user than the one who tests it
    listing = subprocess.run(
        [program("git"), "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    assert paths, "git lists nothing"
    return [path for path in paths if path.is_file()]
