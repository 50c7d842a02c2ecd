"""Draws `wiring.svg`. The pins are those of `../avr/pins.h`.

python firmware/wiring/draw.py            write the picture
python firmware/wiring/draw.py --check    fail if the written one is another
"""

import sys
from pathlib import Path

from pins import FREE, SERIAL, arduino_name, uses
from sheet import Place, Sheet

PICTURE = Path(__file__).resolve().parent / "wiring.svg"
EDGE = 290.0  # right side of the board's block
ROWS = {
    **{f"light {k}": 150 + 30 * k for k in range(8)},
    "camera trigger": 490,
    "buzzer": 604,
    "status LED": 656,
    "indicator green": 710,
    "indicator red": 752,
    "button 0": 816,
    "button 1": 898,
    "card sensor": 976,
}


def draw() -> str:
    """The whole picture."""
    sheet = Sheet(1240, 1066, "Wiring of the scan board")
    sheet.text((40, 48), "Wiring of the scan board", "title")
    sheet.text((40, 70), "Values and the reasons for them: docs/hardware.md", "small")
    _board(sheet, uses())
    _lights(sheet)
    _supply(sheet)
    _trigger(sheet)
    _signals(sheet)
    _inputs(sheet)
    _constant_current(sheet, (820, 480))
    _safety(sheet, (820, 770))
    return sheet.svg()


def _board(sheet: Sheet, pins: dict[str, str]) -> None:
    sheet.box((40, 90), (EDGE - 40, 946))
    sheet.text((60, 122), "Arduino", "head")
    sheet.text((60, 142), "Uno or Nano", "head")
    sheet.text((60, 166), "ATmega328P", "small")
    sheet.text((60, 184), "16 MHz, 5 V", "small")
    for pin, use in pins.items():
        y = ROWS[use]
        sheet.text((EDGE - 84, y + 5), pin, "small", pin=pin, use=use)
        sheet.text((EDGE - 12, y + 5), arduino_name(pin), anchor="end")
    sheet.text((EDGE - 84, 128), "chip", "small")
    sheet.text((EDGE - 12, 128), "board", "small", anchor="end")
    sheet.text((60, 250), "USB to the PC:", "small")
    sheet.text((60, 268), "power and, on", "small")
    for line, (pin, use) in enumerate(SERIAL.items()):
        words = f"{pin} ({arduino_name(pin)}){', the' if line else ' and'}"
        sheet.text((60, 286 + 18 * line), words, "small", pin=pin, use=use)
    sheet.text((60, 322), "serial line", "small")
    sheet.text((60, 372), "keep free:", "small")
    sheet.text((60, 390), ", ".join(f"{pin} ({arduino_name(pin)})" for pin in FREE), "small")
    sheet.text((EDGE - 12, 1013), "GND", anchor="end")
    sheet.wire((EDGE, 1008), (340, 1008))
    sheet.ground((340, 1008))


def _lights(sheet: Sheet) -> None:
    for light in range(8):
        y = ROWS[f"light {light}"]
        sheet.wire((EDGE, y), (376, y))
        sheet.terminal((380, y))
        sheet.text((EDGE + 12, y - 6), f"light {light}", "small")
    sheet.wire((390, 146), (396, 152), (396, 249), (402, 255), (396, 261), (396, 358), (390, 364))
    sheet.box((420, 110), (370, 330), "group")
    sheet.text((436, 134), "one driver for each light: eight in all", "head")
    sheet.wire((402, 255), (436, 255), (436, 310), (580, 310))
    sheet.resistor((482, 310), "220 Ω")
    sheet.node((540, 310))
    sheet.wire((540, 310), (540, 400))
    sheet.resistor((540, 356), "", upright=True)
    sheet.text((486, 361), "10 kΩ")
    sheet.ground((540, 400))
    sheet.mosfet((580, 310))
    sheet.text((638, 306), "N-MOSFET,", "small")
    sheet.text((638, 322), "logic level", "small")
    sheet.wire((620, 336), (620, 400))
    sheet.ground((620, 400))
    sheet.wire((620, 284), (620, 165), (860, 165), kind="wire power")
    sheet.resistor((620, 200), "5.6 Ω, 2 W", upright=True)
    sheet.led((620, 252))
    sheet.text((664, 258), "LED, 0.33 A")
    sheet.text((646, 428), "source to the star point", "small")


def _supply(sheet: Sheet) -> None:
    sheet.box((820, 110), (380, 330), "group")
    sheet.text((836, 134), "supply of the lights, apart from the USB", "head")
    sheet.wire((860, 165), (1130, 165), kind="wire power")
    sheet.box((1000, 156), (50, 18), "part", 0)
    sheet.wire((1000, 165), (1050, 165))
    sheet.text((1025, 194), "fuse T 4 A", anchor="middle")
    sheet.terminal((1134, 165))
    sheet.text((1146, 170), "+5 V")
    sheet.node((930, 165))
    sheet.wire((930, 165), (930, 256), kind="wire power")
    sheet.capacitor((930, 260), "1000 µF, 10 V")
    sheet.wire((930, 264), (930, 350))
    sheet.terminal((1134, 350))
    sheet.text((1146, 355), "0 V")
    sheet.text((1134, 250), "adapter", anchor="middle")
    sheet.text((1134, 268), "5 V, 4 A", anchor="middle")
    sheet.wire((870, 350), (1130, 350))
    sheet.node((930, 350))
    sheet.ground((870, 350))
    sheet.text((836, 400), "Star point: 0 V of the adapter, every source and", "small")
    sheet.text((836, 418), "the board's GND meet here, and only here.", "small")


def _trigger(sheet: Sheet) -> None:
    y = ROWS["camera trigger"]
    sheet.text((EDGE + 12, y - 6), "trigger", "small")
    sheet.wire((EDGE, y), (480, y), (480, y + 8))
    sheet.resistor((400, y), "330 Ω")
    sheet.box((450, y - 18), (150, 76), "block")
    sheet.led((480, y + 18))
    sheet.wire((480, y + 28), (480, y + 70))
    sheet.ground((480, y + 70))
    sheet.wire((550, y + 4), (550, y + 32))  # the transistor that the light reaches: base, collector, emitter
    sheet.wire((550, y + 11), (570, y), (646, y))
    sheet.wire((550, y + 25), (570, y + 36), (646, y + 36))
    sheet.shape((569, y + 35.5), (557, y + 34), (562, y + 26), kind="solid")
    sheet.text((525, y - 26), "optocoupler (PC817)", "small", anchor="middle")
    for line, words in ((0, "camera, trigger input"), (36, "camera, ground")):
        sheet.terminal((650, y + line))
        sheet.text((662, y + line + 4), words, "small")


def _signals(sheet: Sheet) -> None:
    y = ROWS["buzzer"]
    sheet.text((EDGE + 12, y - 6), "buzzer", "small")
    sheet.wire((EDGE, y), (460, y))
    sheet.resistor((400, y), "220 Ω")
    sheet.circle((478, y), 18)
    sheet.text((478, y + 5), "~", anchor="middle")
    sheet.text((566, y + 5), "piezo, passive", "small")
    sheet.wire((496, y), (540, y))
    sheet.ground((540, y))
    y = ROWS["status LED"]
    sheet.text((EDGE + 12, y - 6), "status", "small")
    sheet.wire((EDGE, y), (540, y))
    sheet.resistor((400, y), "1 kΩ")
    sheet.led((478, y), upright=False)
    sheet.ground((540, y))
    sheet.text((566, y + 5), "may be left out: the board has one", "small")
    _indicator(sheet)


def _indicator(sheet: Sheet) -> None:
    rows = ROWS["indicator green"], ROWS["indicator red"]
    for y, colour in zip(rows, ("green", "red"), strict=True):
        sheet.text((EDGE + 12, y - 6), colour, "small")
        sheet.wire((EDGE, y), (520, y))
        sheet.resistor((400, y), "220 Ω")
        sheet.led((478, y), upright=False)
    sheet.box((446, rows[0] - 34), (58, 92), "group")
    sheet.wire((520, rows[0]), (520, rows[1]), (540, rows[1]))
    sheet.node((520, rows[1]))
    sheet.ground((540, rows[1]))
    sheet.text((566, rows[0] + 18), "indicator: two colours,", "small")
    sheet.text((566, rows[0] + 35), "common cathode, 10 mm", "small")


def _inputs(sheet: Sheet) -> None:
    for name, words in (("button 0", "foot pedal"), ("button 1", "push button")):
        y = ROWS[name]
        sheet.text((EDGE + 12, y - 6), name, "small")
        sheet.wire((EDGE, y), (535, y))
        sheet.resistor((400, y), "1 kΩ")
        sheet.node((345, y))
        sheet.wire((345, y), (345, y + 26))
        sheet.capacitor((345, y + 30), "100 nF")
        sheet.wire((345, y + 34), (345, y + 42))
        sheet.ground((345, y + 42))
        sheet.switch((560, y))
        sheet.wire((585, y), (620, y))
        sheet.ground((620, y))
        sheet.text((646, y + 5), f"{words} to ground", "small")
    y = ROWS["card sensor"]
    sheet.text((EDGE + 12, y - 6), "card", "small")
    sheet.wire((EDGE, y), (450, y))
    sheet.resistor((400, y), "1 kΩ")
    sheet.box((450, y - 26), (170, 52))
    sheet.text((535, y - 4), "card sensor", anchor="middle")
    sheet.text((535, y + 14), "NPN, open collector", "small", anchor="middle")
    for line, words in ((-14, "+5 V of the board"), (14, "GND of the board")):
        sheet.wire((620, y + line), (646, y + line))
        sheet.text((652, y + line + 4), words, "small")


def _constant_current(sheet: Sheet, at: Place) -> None:
    x, y = at
    sheet.box(at, (380, 250), "group")
    sheet.text((x + 16, y + 24), "steadier light: one current source for all", "head")
    sheet.text((x + 16, y + 44), "no 5.6 Ω then; shared, should several burn at once", "small")
    rail = y + 100
    sheet.wire((x + 40, rail), (x + 340, rail), kind="wire power")
    sheet.terminal((x + 340, rail))
    sheet.text((x + 340, rail - 26), "+9 V, 1 A", anchor="middle")
    sheet.text((x + 340, rail + 24), "fused", "small", anchor="middle")
    sheet.box((x + 206, rail - 22), (84, 50))
    sheet.text((x + 248, rail + 8), "LM317", anchor="middle")
    sheet.resistor((x + 150, rail), "3.6 Ω, 1 W")
    sheet.node((x + 110, rail))
    sheet.wire((x + 110, rail), (x + 110, rail + 60), (x + 248, rail + 60), (x + 248, rail + 28))
    sheet.text((x + 256, rail + 48), "ADJ", "small")
    sheet.text((x + 296, rail - 6), "IN", "small")
    sheet.text((x + 196, rail + 20), "OUT", "small", anchor="end")
    sheet.text((x + 14, rail + 24), "to all anodes", "small")
    sheet.terminal((x + 40, rail))
    sheet.text((x + 16, y + 200), "1.25 V / 3.6 Ω = 0.35 A. On a heat sink. Between it", "small")
    sheet.text((x + 16, y + 218), "and the LEDs no capacitor: it would pour its charge", "small")
    sheet.text((x + 16, y + 236), "into the next light.", "small")


def _safety(sheet: Sheet, at: Place) -> None:
    x, y = at
    sheet.box(at, (380, 180), "group")
    sheet.text((x + 16, y + 24), "before the first light", "head")
    for line, words in enumerate(
        (
            "Hold the board's reset: every light must be dark.",
            "Pull its USB cable with the adapter on: dark.",
            "Pull a wire between board and driver: dark.",
            "A MOSFET that has failed shorted is the one thing",
            "the firmware cannot end: LED, resistor and heat sink",
            "must bear steady light for ever.",
        )
    ):
        sheet.text((x + 16, y + 50 + 21 * line), words, "small")


def main(arguments: list[str]) -> int:
    """Write or check."""
    drawn = draw()
    if "--check" in arguments:
        return int(not PICTURE.exists() or PICTURE.read_text("utf-8") != drawn)
    PICTURE.write_text(drawn, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
