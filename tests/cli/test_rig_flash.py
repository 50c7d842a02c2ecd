"""`station rig flash`: real avrdude, real Arduino bootloader and real firmware, in a simulated chip."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station.wire import messages as m

ROOT = Path(__file__).parents[2]
BOOTLOADERS = Path("/usr/share/arduino/hardware/arduino/avr/bootloaders")
OLDER_BOOTLOADER = (BOOTLOADERS / "atmega/ATmegaBOOT_168_atmega328.hex", 57_600)
OLD_BAUD = OLDER_BOOTLOADER[1]
OPTIBOOT = (BOOTLOADERS / "optiboot/optiboot_atmega328.hex", 115_200)
SIMAVR = Path("/usr/include/simavr")
OTHER_SCHEMA = 0x1234ABCD
PATIENCE_S = 100.0

Station = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def station(private_home: Any) -> Station:
    """Runs `station rig ...`; the same words may be given with another PATH."""

    def run(*words: object, path: str | None = None) -> "subprocess.CompletedProcess[str]":
        env = private_home.env | ({} if path is None else {"PATH": path})
        return subprocess.run(
            [sys.executable, "-m", "station.cli", "rig", *map(str, words)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def chip_program(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    program("avrdude")
    if not (SIMAVR / "sim_avr.h").exists():
        program("the AVR simulator's library (libsimavr-dev)")
    if not BOOTLOADERS.exists():
        program("the Arduino bootloaders (arduino-core-avr)")
    built = tmp_path_factory.mktemp("chip") / "chip"
    source = Path(__file__).with_name("bootloader_chip.c")
    command = [program("gcc"), "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-isystem", SIMAVR]
    subprocess.run([*command, "-o", built, source, "-lsimavr"], check=True)
    return built


def _built(sources: Path, build: Path) -> Path:
    subprocess.run(
        ["make", "-s", "-C", sources, f"BUILD={build}", "all"], check=True, stdout=subprocess.DEVNULL
    )
    return build / "scan-board.hex"


@pytest.fixture(scope="module")
def older(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware as it would be with another protocol."""
    program("avr-gcc")
    folder = tmp_path_factory.mktemp("older")
    sources = folder / "firmware"
    shutil.copytree(ROOT / "firmware", sources)
    header = sources / "protocol.h"
    words = header.read_text()
    ours = f"0x{m.SCHEMA_HASH:08X}UL"
    assert ours in words
    header.write_text(words.replace(ours, f"0x{OTHER_SCHEMA:08X}UL"))
    return _built(sources, folder / "build")


@pytest.fixture(scope="module")
def newest(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    program("avr-gcc")
    return _built(ROOT / "firmware", tmp_path_factory.mktemp("newest"))


@pytest.fixture
def plug(chip_program: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Starts a chip with a bootloader and perhaps an application; returns its port."""
    chips: list[subprocess.Popen[str]] = []

    def start(*application: Path, bootloader: tuple[Path, int] = OLDER_BOOTLOADER) -> Path:
        port = tmp_path / f"board{len(chips)}"
        chip = subprocess.Popen(
            [chip_program, bootloader[0], str(bootloader[1]), port, *application],
            stdout=subprocess.PIPE,
            text=True,
        )
        chips.append(chip)
        assert chip.stdout is not None
        assert chip.stdout.readline() == f"ready {port}\n"
        return port

    yield start
    for chip in chips:
        chip.terminate()
        chip.wait(PATIENCE_S)
        assert chip.stdout is not None
        chip.stdout.close()


def renamed(image: Path, to: Path, version: bytes) -> Path:
    """The same image, saying that it is of another version."""
    lines = image.read_text().splitlines()
    data = bytearray(b"".join(bytes.fromhex(line[9:-2]) for line in lines[:-1]))
    assert lines[0][3:7] == "0000"
    place = data.index(b"firmware 1.0.0") + len(b"firmware ")
    data[place : place + 5] = version
    records = [
        bytes([16, *divmod(at, 256), 0]) + bytes(data[at : at + 16].ljust(16, b"\xff"))
        for at in range(0, len(data), 16)
    ]
    to.write_text(
        "".join(f":{(one + bytes([-sum(one) % 256])).hex().upper()}\n" for one in records) + lines[-1] + "\n"
    )
    return to


def test_a_board_of_another_protocol_is_refused_and_mended_by_the_command_named(
    plug: Callable[..., Path], older: Path, newest: Path, station: Station
) -> None:
    port = plug(older, bootloader=OPTIBOOT)
    refused = station("info", "--port", port)
    assert refused.returncode == 6
    assert f"(schema {OTHER_SCHEMA:08x})" in refused.stderr
    assert f"`station rig flash --port {port}`" in refused.stderr

    flashed = station("flash", "--port", port)  # as it was told; it builds the firmware itself
    assert (flashed.returncode, flashed.stderr) == (0, "")
    written, before, after = flashed.stdout.splitlines()
    assert written.startswith(f"to be written: 1.0.0, protocol 1.0 (schema {m.SCHEMA_HASH:08x})")
    assert f"{OTHER_SCHEMA:08x}" in before
    assert after.startswith(f"written and verified: ATmega328P at {port} runs firmware 1.0.0")

    found = station("info", "--port", port)
    assert found.returncode == 0
    assert found.stdout.startswith(f"board         ATmega328P at {port}\n")

    again = station("flash", "--port", port, "--hex", newest)
    assert again.returncode == 0
    assert again.stdout.endswith("nothing to do: the board runs it already (--force writes it again)\n")


def test_an_empty_chip_is_written_and_what_it_says_then_counts(
    plug: Callable[..., Path], newest: Path, station: Station, tmp_path: Path
) -> None:
    port = plug()
    liar = renamed(newest, tmp_path / "liar.hex", b"9.9.9")
    flashed = station("flash", "--port", port, "--hex", liar, "--baud", OLD_BAUD)
    assert flashed.returncode == 6
    assert "avrdude wrote 9.9.9" in flashed.stderr
    assert "runs firmware 1.0.0" in flashed.stderr


def test_images_that_do_not_belong_on_the_board(
    plug: Callable[..., Path], newest: Path, older: Path, station: Station, tmp_path: Path
) -> None:
    port = plug(newest)
    damaged, stranger, cut = (tmp_path / name for name in ("damaged.hex", "stranger.hex", "cut.hex"))
    damaged.write_text(newest.read_text().replace(":10", ":11", 1))
    cut.write_text("".join(newest.read_text().splitlines(keepends=True)[:-1]))
    stranger.write_text(":020000000000FE\n:00000001FF\n")
    said = {
        name: station("flash", "--port", port, "--hex", image)
        for name, image in [
            ("no such file", tmp_path / "none.hex"),
            ("damaged", damaged),
            ("cut", cut),
            ("stranger", stranger),
            ("older", older),
        ]
    }
    assert {name: done.returncode for name, done in said.items()} == dict.fromkeys(said, 6)
    reasons = {name: done.stderr.splitlines()[0].rpartition(": ")[2] for name, done in said.items()}
    assert reasons["no such file"] == "No such file or directory"
    assert reasons["damaged"].startswith("line 1 is")
    assert reasons["cut"].startswith("it is cut off") or "cut off" in said["cut"].stderr
    assert "does not say that it is firmware of this rig" in said["stranger"].stderr
    assert "is of another schema" in said["older"].stderr


def test_what_stands_in_the_way_is_named_with_the_command(
    plug: Callable[..., Path], newest: Path, older: Path, station: Station, tmp_path: Path
) -> None:
    port = plug(older)
    command = f"avrdude -p atmega328p -c arduino -P {port} -b 115200 -D -U flash:w:{newest}:i"
    missing = station("flash", "--port", port, "--hex", newest, path="")
    assert missing.returncode == 6
    assert f"avrdude is not installed; it would have been called as `{command}`" in missing.stderr
    assert "sudo apt-get install avrdude" in missing.stderr
    no_compiler = station("flash", "--port", port, path="")
    assert "sudo apt-get install make gcc-avr avr-libc" in no_compiler.stderr

    avrdude = tmp_path / "avrdude"  # the real one takes a minute to give a silent bootloader up
    avrdude.write_text("#!/bin/sh\necho 'avrdude error: programmer is not responding' >&2\nexit 1\n")
    avrdude.chmod(0o755)
    silent = station(
        "flash", "--port", port, "--hex", newest, path=f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    )
    assert silent.returncode == 6
    assert f"`{command}` failed: avrdude error: programmer is not responding" in silent.stderr

    absent = station("flash", "--port", tmp_path / "nothing", "--hex", newest)
    assert (absent.returncode, "there is no port" in absent.stderr) == (6, True)


def test_a_daemon_refuses_a_foreign_board_and_lends_its_port_for_the_cure(
    plug: Callable[..., Path], older: Path, newest: Path, station: Station, private_home: Any
) -> None:
    port = plug(older)
    config = private_home.path / "station.toml"
    config.write_text(
        f'[station]\ndata = "{private_home.path}/data"\nreserve_mb = 1\n'
        f'[rig]\nport = "{port}"\n[twin]\ndpi = 60\n[scan]\nrectified_dpi = 60\n'
    )
    command = [sys.executable, "-m", "station.cli", "--config", str(config), "daemon"]
    refused = subprocess.run(
        command,
        cwd=ROOT,
        env=private_home.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert refused.returncode == 6
    assert f"`station rig flash --port {port}`" in refused.stderr
    assert station("flash", "--port", port, "--hex", newest, "--baud", OLD_BAUD).returncode == 0

    with (private_home.path / "log").open("w+") as log:
        daemon = subprocess.Popen(
            command, cwd=ROOT, env=private_home.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: "ready: control" in Path(log.name).read_text(), daemon)
            private_home.env["STATION_CONFIG"] = str(config)
            unneeded = station("flash", "--hex", newest)
            assert "nothing to do" in unneeded.stdout
            forced = station("flash", "--hex", newest, "--force", "--baud", OLD_BAUD)
            assert (forced.returncode, forced.stderr) == (0, "")
            assert "written and verified" in forced.stdout
            assert forced.stdout.endswith("the daemon has the board back\n")
            assert f"ATmega328P at {port}" in station("info").stdout
        finally:
            daemon.terminate()
            assert daemon.wait(PATIENCE_S) == 0
    said = Path(log.name).read_text()
    assert said.count("rig lent to station rig flash") == 2
    assert "rig lost" not in said
    assert "Traceback" not in said


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[Any]") -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.05)
