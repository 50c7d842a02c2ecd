"""`station calibrate` from the command line, without a daemon: step by step on the twin, refusals too."""

import subprocess
import sys
from pathlib import Path

import pytest

from station.config import Settings, as_toml

BOUND_S = 120.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tree = {"station": {"data": tmp_path / "data"}, "twin": {"dpi": 90, "rig_seed": 7}}
    path = tmp_path / "station.toml"
    path.write_text(as_toml(Settings.model_validate(tree)))
    return path


def station(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "station.cli", "--config", str(config), "calibrate", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)


def test_the_printable_targets_are_handed_out(config: Path, tmp_path: Path) -> None:
    done = station(config, "targets", str(tmp_path / "print"))
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "print").iterdir())
    assert files == sorted(
        f"{name}.{suffix}" for name in ("charuco-8x10", "colour-frame", "mat") for suffix in ("pdf", "svg")
    )
    assert "measure the ruler" in done.stdout


def test_a_step_by_itself_and_what_comes_too_early(config: Path) -> None:
    nothing = station(config, "status")
    assert nothing.returncode == 16
    assert "no calibration is under way" in nothing.stderr
    early = station(config, "step", "flat")
    assert early.returncode == 12
    assert "the step flat needs response first" in early.stderr
    done = station(config, "step", "dark")
    assert done.returncode == 0, done.stderr
    assert "black_level_codes 4" in done.stdout
    state = station(config, "status").stdout
    assert "[+] dark" in state
    assert "[ ] response" in state
    unknown = station(config, "step", "lid")
    assert unknown.returncode == 12
    assert "there is no step lid" in unknown.stderr
    assert all("Traceback" not in refused.stderr for refused in (nothing, early, unknown))


def test_a_profile_needs_its_steps(config: Path) -> None:
    assert station(config, "step", "dark").returncode == 0
    done = station(config, "finish")
    assert done.returncode == 16
    assert "these steps are still to be taken: response, timing, flat" in done.stderr
