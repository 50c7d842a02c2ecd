"""The drawn wiring, the written one and the firmware's header name the same pins and the same limits."""

import importlib.util
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from station.config import RigSettings, ScanSettings

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def pins(checkout: Path) -> ModuleType:
    """The reader of the header, as the drawing uses it."""
    spec = importlib.util.spec_from_file_location("wiring_pins", checkout / "firmware/wiring/pins.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def picture(checkout: Path) -> list[ET.Element]:
    tree = ET.parse(checkout / "firmware/wiring/wiring.svg")  # noqa: S314 - our own file
    return list(tree.iter(f"{SVG}text"))


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/hardware.md").read_text("utf-8")


def table_of(text: str) -> dict[str, tuple[str, str]]:
    """Port pin -> name on the Uno and use, from the table of WIRING.md."""
    found: dict[str, tuple[str, str]] = {}
    for ports, names, use in re.findall(r"^\| (P[BCD][^|]*) \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE):
        uses = _spread(use.strip(), len(ports.split(",")))
        for port, name, one in zip(ports.split(","), names.split(","), uses, strict=True):
            assert port.strip() not in found, f"{port} stands twice"
            found[port.strip()] = name.strip(), one
    return found


def _spread(use: str, count: int) -> list[str]:
    """`lights 0, 1, 2` -> `light 0`, `light 1`, `light 2`."""
    numbers = re.findall(r"\d+", use)
    if count > 1 and len(numbers) == count:
        return [f"{use.split(maxsplit=1)[0].removesuffix('s')} {number}" for number in numbers]
    return [use] * count


def test_the_table_names_the_pins_of_the_header(pins: ModuleType, checkout: Path) -> None:
    written = table_of((checkout / "firmware/WIRING.md").read_text("utf-8"))
    expected = pins.uses() | pins.SERIAL
    assert set(written) == set(expected)
    for pin, use in expected.items():
        name, words = written[pin]
        assert name == pins.arduino_name(pin)
        assert words.startswith(use), pin


def test_the_picture_names_the_pins_of_the_header(pins: ModuleType, picture: list[ET.Element]) -> None:
    drawn = [(text.get("data-pin"), text.get("data-use")) for text in picture if text.get("data-pin")]
    assert len(drawn) == len(set(drawn))
    assert dict(drawn) == pins.uses() | pins.SERIAL
    for text in picture:
        if pin := text.get("data-pin"):
            assert pin in str(text.text)


def test_the_picture_is_the_one_that_is_drawn_now(checkout: Path) -> None:
    drawn = subprocess.run(
        [sys.executable, checkout / "firmware/wiring/draw.py", "--check"], check=False, capture_output=True
    )
    assert (drawn.returncode, drawn.stderr) == (0, b""), "run python firmware/wiring/draw.py"


def test_pins_that_are_to_be_kept_free_are_free(pins: ModuleType) -> None:
    assert not set(pins.FREE) & set(pins.uses() | pins.SERIAL)


def test_a_light_that_moves_in_the_header_moves_in_the_picture(pins: ModuleType, tmp_path: Path) -> None:
    header = tmp_path / "pins.h"
    text = pins.HEADER.read_text("utf-8")
    header.write_text(text.replace("LIGHTS_D_MASK 0xF0u", "LIGHTS_D_MASK 0x78u"), "utf-8")
    moved = pins.uses(header)
    assert moved["PD3"] == "light 0"
    assert "PD7" not in moved
    header.write_text(text.replace("LIGHTS_C_MASK 0x0Fu", "LIGHTS_C_MASK 0x1Eu"), "utf-8")
    with pytest.raises(ValueError, match="PC4 is light 7 and button 0"):
        pins.uses(header)
    header.write_text(text.replace("TRIGGER_PIN", "TRIGGERS_PIN"), "utf-8")
    with pytest.raises(ValueError, match="TRIGGER_PIN"):
        pins.uses(header)


def test_every_value_in_the_picture_is_on_the_page(picture: list[ET.Element], page: str) -> None:
    words = " ".join(str(text.text) for text in picture)
    values = set(re.findall(r"\d[\d.]* (?:k?Ω|µF|nF)", words))
    assert len(values) >= 7
    assert {value for value in values if value not in page} == set()
    assert "T 4 A" in words
    assert "T 4 A" in page


def test_the_limits_on_the_page_are_those_in_force(checkout: Path, page: str) -> None:
    limits = tomllib.loads((checkout / "firmware/protocol.toml").read_text("utf-8"))["limits"]
    rows = {
        "host lease": (RigSettings().lease_ms, limits["lease_max_ms"]["value"]),
        "maximum on-time": (ScanSettings().max_on_ms, limits["max_on_max_ms"]["value"]),
    }
    for name, (usual_ms, most_ms) in rows.items():
        (row,) = (line for line in page.splitlines() if line.startswith("|") and name in line)
        assert f"{usual_ms / 1000:g} s by default" in row
        assert f"never more than {most_ms / 1000:g} s" in row
    (row,) = (line for line in page.splitlines() if line.startswith("|") and "watchdog" in line)
    assert f"| {limits['watchdog_ms']['value']} ms |" in row
    assert f"(`heat_max_ms`, {limits['heat_max_ms']['value'] / 1000:g} s)" in page
