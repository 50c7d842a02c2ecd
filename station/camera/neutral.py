"""What a V4L2 camera does to a picture by itself, switched off as far as it lets us, and what holds then."""

from station.documents.fault import StationError

from .interface import HeldControls
from .v4l2 import (
    AUTO_GAIN,
    AUTO_WHITE_BALANCE,
    BACKLIGHT_COMPENSATION,
    EXPOSURE_AUTO,
    EXPOSURE_DYNAMIC_FRAMERATE,
    EXPOSURE_MANUAL,
    FOCUS_AUTO,
    GAMMA,
    SHARPNESS,
    WHITE_BALANCE_TEMPERATURE,
    Controls,
    Range,
)

LINEAR_GAMMA = 100  # the unit is a hundredth
SMOOTHING = "noise"
"""Part of the name of controls that smooth; V4L2 has no number for them, each maker has its own."""


def freeze(controls: Controls) -> tuple[str, ...]:
    """Switch off whatever a camera does to a picture by itself.

    Exposure and gain stay as they are; white balance goes to the driver's usual temperature, so that it is
    the same every time. Without fixed exposure, gain, white balance and focus no scan is possible. Gamma,
    sharpening and smoothing are another matter: what they do is measured.

    Returns:
        Controls that would not go to their neutral value, a sentence for each.

    Raises:
        StationError: `camera_refused`, one of those without which there is no scan; `camera_missing`.
    """
    _manual(controls, EXPOSURE_AUTO, EXPOSURE_MANUAL, "manual exposure")
    _manual(controls, EXPOSURE_DYNAMIC_FRAMERATE, 0, "fixed frame rate")
    _manual(controls, AUTO_GAIN, 0, "manual gain")
    _manual(controls, AUTO_WHITE_BALANCE, 0, "manual white balance")
    _manual(controls, FOCUS_AUTO, 0, "manual focus")
    if (warmth := controls.range(WHITE_BALANCE_TEMPERATURE)) is not None:
        controls.set(WHITE_BALANCE_TEMPERATURE, warmth.usual, "white balance")
    wanted = [(SHARPNESS, "sharpness"), (BACKLIGHT_COMPENSATION, "backlight compensation")]
    known = {SHARPNESS, BACKLIGHT_COMPENSATION, GAMMA}
    smoothing = [n for n, one in controls.offered().items() if SMOOTHING in one.name.lower()]
    wanted += [(number, "smoothing") for number in smoothing if number not in known]
    refused = [_least(controls, number, name) for number, name in wanted]
    return tuple(said for said in (*refused, _linear(controls)) if said)


def held(controls: Controls, refused: tuple[str, ...]) -> HeldControls:
    """The value of every control, as the camera reads it back.

    Raises:
        StationError: `camera_missing`.
    """
    values: dict[str, int] = {}
    for number, offered in controls.offered().items():
        try:
            values[offered.name] = controls.get(number)
        except StationError as error:
            if error.code != "camera_refused":
                raise  # what can be set and not read, such as a button, has no value
    return HeldControls(values, refused)


def _manual(controls: Controls, control: int, value: int, name: str) -> None:
    if controls.range(control) is not None and (got := controls.set(control, value, name)) != value:
        raise StationError("camera_refused", f"{name}: asked {value}, got {got}")


def _least(controls: Controls, control: int, name: str) -> str:
    offered = controls.range(control)
    return "" if offered is None else _tried(controls, control, offered.least, _named(name, offered))


def _linear(controls: Controls) -> str:
    offered = controls.range(GAMMA)
    if offered is None:
        return ""
    if not offered.least <= LINEAR_GAMMA <= offered.most:
        return f"gamma: offers {offered.least} to {offered.most}, and {LINEAR_GAMMA} is linear"
    return _tried(controls, GAMMA, LINEAR_GAMMA, "gamma")


def _named(name: str, offered: Range) -> str:
    return name if offered.name.lower() == name else f"{name} ({offered.name})"


def _tried(controls: Controls, control: int, value: int, name: str) -> str:
    """Nothing, or why it is not what it should be."""
    try:
        got = controls.set(control, value, name)
    except StationError as error:
        if error.code != "camera_refused":
            raise
        return f"{name}: asked {value}, refused"
    return "" if got == value else f"{name}: asked {value}, got {got}"
