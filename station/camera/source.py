"""What a camera can be: a V4L2 device, a stream, or a recording; how each opens, stamps and ends."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

from station.documents.fault import StationError

from .v4l2 import Controls

_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_AS_STORED = ("GREY", "Y16")
_PATIENCE = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"  # read by OpenCV when it first waits for a device
_PATIENCE_S = "2"  # its own 10 s are how long a silent camera could not be closed
_ERRORS = 2  # of OpenCV's log levels
_SLOW_S = 0.9  # a driver that says no says it at once; one that waited this long heard nothing
_CLOCK_SLACK_S = 0.05
_OLDEST_S = 30.0


class Source(Protocol):
    """One kind of source."""

    @property
    def text(self) -> str:
        """Its name for people."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames come even if nobody takes them."""
        ...

    def name(self) -> str:
        """What it calls itself, as far as it has a name.

        Raises:
            StationError: `camera_missing`.
        """
        ...

    def open(self, fourcc: str, silent_after_s: float) -> cv2.VideoCapture:
        """An open capture.

        Raises:
            StationError: `camera_missing`, `camera_silent`, `camera_refused`.
        """
        ...

    def stamp_s(self, capture: cv2.VideoCapture, arrived_s: float) -> float:
        """The frame's time on the monotonic clock."""
        ...

    def timed_out(self, waited_s: float, silent_after_s: float) -> bool:
        """Whether a failed grab was silence rather than loss."""
        ...

    def after_silence(self, silent: StationError) -> StationError | None:
        """What silence means: the end, or None: keep listening."""
        ...

    def may_come_back(self) -> bool:
        """Whether a failed grab is worth another try."""
        ...

    def lost(self) -> str:
        """One sentence: what happened when there are no more frames."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceSource:
    """A V4L2 device. Its driver stamps frames; `isOpened` is of no use once it is open."""

    text: str
    live: bool = True

    def name(self) -> str:
        """What the driver says."""
        with Controls(self.text) as controls:
            return controls.card()

    def open(self, fourcc: str, silent_after_s: float) -> cv2.VideoCapture:
        """Open it and choose the format; see `Source`."""
        del silent_after_s  # OpenCV's patience with a device is one for the whole process
        os.environ.setdefault(_PATIENCE, _PATIENCE_S)
        cv2.utils.logging.setLogLevel(_ERRORS)  # else a line for every wait in vain
        with Controls(self.text) as controls:  # says why it cannot be opened, which OpenCV does not
            controls.card()
            capture = cv2.VideoCapture(self.text, cv2.CAP_V4L2)
            if not capture.isOpened():
                raise StationError("camera_missing", _why_not(self.text, controls))
        try:
            _choose_format(capture, fourcc)
        except StationError:
            capture.release()
            raise
        return capture

    def stamp_s(self, capture: cv2.VideoCapture, arrived_s: float) -> float:
        """The driver's stamp, unless it is on another clock."""
        stamp_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        believable = arrived_s - _OLDEST_S < stamp_s < arrived_s + _CLOCK_SLACK_S
        return float(stamp_s) if believable else arrived_s

    def timed_out(self, waited_s: float, silent_after_s: float) -> bool:
        """A device that is gone says so at once."""
        return waited_s >= min(_SLOW_S, silent_after_s)

    def after_silence(self, silent: StationError) -> StationError | None:
        """It may speak again."""
        del silent
        return None

    def may_come_back(self) -> bool:
        """While the device node can be opened."""
        try:
            Controls(self.text).open().close()
        except StationError:
            return False
        return True

    def lost(self) -> str:
        """See `Source`."""
        return f"{self.text} was unplugged or stopped"


@dataclass(frozen=True, slots=True)
class StreamSource:
    """An address such as http://... or rtsp://...; its frames are stamped when they arrive."""

    text: str
    live: bool = True

    def name(self) -> str:
        """Its address."""
        return self.text

    def open(self, fourcc: str, silent_after_s: float) -> cv2.VideoCapture:
        """Connect; see `Source`."""
        patience = round(silent_after_s * 1e3)
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience, cv2.CAP_PROP_READ_TIMEOUT_MSEC, patience]
        began_s = time.monotonic()
        capture = cv2.VideoCapture(self.text, cv2.CAP_FFMPEG, options + _conversion(fourcc))
        if capture.isOpened():
            return capture
        if time.monotonic() - began_s >= silent_after_s:
            raise StationError("camera_silent", f"{self.text} did not answer for {silent_after_s:g} s")
        raise StationError("camera_missing", f"{self.text} cannot be opened: nothing there, or no video")

    def stamp_s(self, capture: cv2.VideoCapture, arrived_s: float) -> float:
        """FFmpeg's own stamps are made up from the frame rate."""
        del capture
        return arrived_s

    def timed_out(self, waited_s: float, silent_after_s: float) -> bool:
        """FFmpeg waits for as long as it was told."""
        return waited_s >= 0.9 * silent_after_s

    def after_silence(self, silent: StationError) -> StationError | None:
        """FFmpeg never reads again from a stream that once was silent."""
        return silent

    def may_come_back(self) -> bool:
        """It has ended."""
        return False

    def lost(self) -> str:
        """See `Source`."""
        return f"{self.text} ended the stream"


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """A video file, or numbered pictures; nothing of it is dropped, and it has an end."""

    text: str
    live: bool = False

    def name(self) -> str:
        """Its path."""
        return self.text

    def open(self, fourcc: str, silent_after_s: float) -> cv2.VideoCapture:
        """Open it; see `Source`."""
        del silent_after_s
        if "%" not in self.text and not Path(self.text).exists():
            raise StationError("camera_missing", f"{self.text}: there is no such device or file")
        if self.text.lower().endswith(_PICTURES):
            capture = cv2.VideoCapture(self.text, cv2.CAP_IMAGES)
        else:
            capture = cv2.VideoCapture(self.text, cv2.CAP_FFMPEG, _conversion(fourcc))
        if not capture.isOpened():
            raise StationError("camera_missing", f"{self.text} holds no video that can be read")
        return capture

    def stamp_s(self, capture: cv2.VideoCapture, arrived_s: float) -> float:
        """When it was read: a recording has no other clock that is ours."""
        del capture
        return arrived_s

    def timed_out(self, waited_s: float, silent_after_s: float) -> bool:
        """A file is never silent."""
        del waited_s, silent_after_s
        return False

    def after_silence(self, silent: StationError) -> StationError | None:
        """See `timed_out`."""
        return silent

    def may_come_back(self) -> bool:
        """It has ended."""
        return False

    def lost(self) -> str:
        """See `Source`."""
        return f"{self.text} has no more frames"


def source_of(text: str) -> Source:
    """Which kind a `camera.source` is: a number or a path under /dev, an address, or else a file."""
    if text.isdigit():
        return DeviceSource(f"/dev/video{text}")
    if text.startswith("/dev/"):
        return DeviceSource(text)
    return StreamSource(text) if "://" in text else RecordingSource(text)


def fourcc_text(capture: cv2.VideoCapture) -> str:
    """The four characters of the format in use, trailing blanks cut off."""
    number = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return number.to_bytes(4, "little").decode("ascii", "replace").rstrip(" \0")


def _conversion(fourcc: str) -> list[int]:
    """Grey formats come as they were stored; OpenCV would cut 16 bits down to 8."""
    return [cv2.CAP_PROP_CONVERT_RGB, 0] if fourcc.strip() in _AS_STORED else []


def _why_not(text: str, controls: Controls) -> str:
    if controls.busy():
        return f"{text}: another program is using it"
    return f"{text} cannot be opened: it offers no format that OpenCV reads"


def _choose_format(capture: cv2.VideoCapture, fourcc: str) -> None:
    if not fourcc:
        return
    wanted = fourcc.ljust(4)
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wanted))
    if (got := fourcc_text(capture)) != fourcc.strip():
        raise StationError("camera_refused", f"format: asked {fourcc.strip()}, got {got}")
