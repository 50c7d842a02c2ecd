"""Which pin does what, read from the header that the firmware is compiled with."""

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parent.parent / "avr" / "pins.h"
SERIAL = {"PD0": "serial line", "PD1": "serial line"}
FREE = ("PD2", "PD3")
SINGLE = {
    "TRIGGER_PIN": "camera trigger",
    "BUZZER_PIN": "buzzer",
    "STATUS_PIN": "status LED",
    "GREEN_PIN": "indicator green",
    "RED_PIN": "indicator red",
    "BUTTON_0_PIN": "button 0",
    "BUTTON_1_PIN": "button 1",
    "CARD_PIN": "card sensor",
}


def uses(header: Path = HEADER) -> dict[str, str]:
    """Port pin -> what it does, lights first.

    Raises:
        ValueError: the header lacks one of them, or gives a pin to two.
    """
    text = header.read_text("utf-8")
    pins: dict[str, str] = {}
    for port in "DC":
        mask = int(_defined(text, f"LIGHTS_{port}_MASK", r"(0x[0-9A-Fa-f]+)u"), 16)
        for bit in range(8):
            if mask >> bit & 1:
                pins[f"P{port}{bit}"] = f"light {len(pins)}"
    for name, use in SINGLE.items():
        pin = _defined(text, name, r"(P[BCD]\d)")
        if pin in pins:
            raise ValueError(f"{pin} is {pins[pin]} and {use}")
        pins[pin] = use
    return pins


def arduino_name(pin: str) -> str:
    """What is printed beside a port pin on an Uno or a Nano."""
    port, bit = pin[1], int(pin[2])
    return {"D": f"{bit}", "B": f"{bit + 8}", "C": f"A{bit}"}[port]


def _defined(text: str, name: str, form: str) -> str:
    found = re.search(rf"^#define {name}\s+{form}", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{HEADER.name} does not define {name}")
    return found[1]
