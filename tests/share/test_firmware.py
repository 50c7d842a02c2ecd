"""The firmware is built once for each state of its sources, and never taken from a stale build."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from station.documents.fault import StationError
from station.share import in_checkout, shared
from station.share.firmware import BuiltFirmware, built_firmware, missing_packages

ASK = """
import sys
from pathlib import Path
from station.documents.fault import StationError
from station.share.firmware import built_firmware
try:
    print(built_firmware(Path(sys.argv[1])).hex)
except StationError as error:
    sys.exit(f"{error.code}: {error}")
"""


@pytest.fixture(scope="module")
def toolchain(program: Callable[[str], str]) -> None:
    """Skips, or fails in continuous integration, where something is missing."""
    for package in missing_packages():
        program(f"what the package {package} holds")


@pytest.fixture(scope="module")
def root(toolchain: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def built(root: Path) -> BuiltFirmware:
    return built_firmware(root)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Sources of our own to change."""
    return Path(shutil.copytree(shared("firmware"), tmp_path / "firmware"))


def ask(root: Path, **env: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(root)],
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(asked: "list[subprocess.Popen[str]]") -> list[tuple[int, str, str]]:
    said = [one.communicate(timeout=60) for one in asked]
    return [(one.returncode, *words) for one, words in zip(asked, said, strict=True)]


def test_what_is_built_is_a_hex_file_and_a_program(built: BuiltFirmware) -> None:
    assert built.hex.read_text("ascii").startswith(":")
    assert os.access(built.simulator, os.X_OK)


def test_it_is_built_once(built: BuiltFirmware, root: Path) -> None:
    made = built.simulator.stat().st_mtime_ns
    assert built_firmware(root) == built
    assert built.simulator.stat().st_mtime_ns == made


@pytest.mark.parametrize("name", ["core/lights.c", "avr/pins.h", "protocol.h", "sim/chip.c", "Makefile"])
def test_other_sources_are_another_build(built: BuiltFirmware, root: Path, copy: Path, name: str) -> None:
    """Told by the name alone: the changed sources do not compile, so a stale build would go unnoticed."""
    with (copy / name).open("a") as file:
        file.write("\n#error not this one\n" if name != "Makefile" else "\n$(error not this one)\n")
    with pytest.raises(StationError, match="not this one") as caught:
        built_firmware(root, copy)
    assert caught.value.code == "internal"
    assert list(root.glob("*.part")) == []


def test_equal_sources_elsewhere_are_the_same_build(built: BuiltFirmware, root: Path, copy: Path) -> None:
    assert built_firmware(root, copy) == built


def test_processes_that_build_at_once_do_not_collide(toolchain: None, tmp_path: Path) -> None:
    found = answers([ask(tmp_path) for _ in range(3)])
    assert {(code, error) for code, _, error in found} == {(0, "")}, found
    (folder,) = tmp_path.iterdir()
    assert {out for _, out, _ in found} == {f"{folder / 'scan-board.hex'}\n"}


def test_without_tools_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    ((code, out, error),) = answers([ask(tmp_path / "kept", PATH=str(tmp_path))])
    assert (code, out) == (1, "")
    assert error == (
        "toolchain_missing: the real firmware cannot be built here; run: sudo apt-get install "
        "--no-install-recommends make gcc libc6-dev gcc-avr avr-libc libsimavr-dev\n"
    )


def test_only_what_is_missing_is_named(program: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "make").symlink_to(program("make"))
    ((_, _, error),) = answers([ask(tmp_path / "kept", PATH=str(tmp_path))])
    assert "--no-install-recommends gcc " in error


def test_builds_that_nobody_used_for_long_are_forgotten(built: BuiltFirmware, root: Path) -> None:
    old, killed, beside = root / "twin-0123", root / "twin-0123.x.part", root / "other"
    for folder in (old, killed, beside):
        folder.mkdir()
        os.utime(folder, (0, 0))
    built_firmware(root)
    assert not old.exists()
    assert not killed.exists()
    assert beside.exists()
    assert built.hex.exists()


def test_a_checkout_knows_itself() -> None:
    assert in_checkout()
