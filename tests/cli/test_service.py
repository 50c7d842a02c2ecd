"""`station service`: units that systemd understands, of this very installation."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from station.cli.service import RULES, UNITS, units
from station.share import shared


def station(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "station.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_units_are_what_systemd_understands(
    tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze = program("systemd-analyze")
    installed = station(
        "--config", str(tmp_path / "my station.toml"), "service", "install", "--folder", str(tmp_path)
    )
    assert installed.returncode == 0, installed.stderr
    assert f"sudo cp {shared('service', RULES)}" in installed.stdout
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    command = [analyze, "verify", "--user", *(str(tmp_path / name) for name in UNITS)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert station("service", "remove", "--folder", str(tmp_path)).returncode == 0
    assert not list(tmp_path.glob("*.service"))


def test_a_unit_starts_this_installation_with_this_configuration(tmp_path: Path) -> None:
    text = units(tmp_path / "my $tation 100%.toml")["station-daemon.service"]
    assert f"ExecStart={sys.executable} -m station.cli --config" in text
    assert 'my $$tation 100%%.toml" daemon' in text
    assert "Type=notify" in text
    assert "WatchdogSec=" in text
