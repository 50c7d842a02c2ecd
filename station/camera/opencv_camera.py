"""A real camera through OpenCV: V4L2 devices, streams and recordings."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import cv2

from station.config import CameraSettings
from station.documents.fault import StationError

from .frames import Layout
from .interface import CameraInfo, CameraMode, CapturedFrame, HeldControls
from .neutral import freeze, held
from .pump import Pump
from .source import DeviceSource, Source, fourcc_text, source_of
from .v4l2 import Controls, set_exposure, set_gain

_RAW = ("MJPG", "YUYV", "GREY", "Y16")  # formats whose frames are kept as the driver gave them
_WARM_UP = 5  # frames of a stream that has just begun: too bright, too dark, or half a picture
_UNSETTLED = 3  # frames after a change that may still have the old settings


class OpenCvCamera:
    """A `station.camera.interface.Camera` on `cv2.VideoCapture`.

    Args:
        source: device path or number (V4L2), address of a stream, video file or pattern of numbered pictures.
        width_px, height_px: asked for where `configure` asks for none; 0: the driver's own.
        fourcc: format to ask for, such as MJPG, GREY or Y16; empty: the driver's own.
        silent_after_s: how long to wait for a frame. `close` may have to wait as long for a silent stream.
        triggered: frames come only when something outside makes the camera expose. Then opening it waits for
            none, and none is ignored after a change.
    """

    def __init__(
        self,
        source: str,
        *,
        width_px: int = 0,
        height_px: int = 0,
        fourcc: str = "",
        silent_after_s: float = 10.0,
        triggered: bool = False,
    ) -> None:
        self._source: Source = source_of(source)
        self._size = (width_px, height_px)
        self._fourcc = fourcc
        self._silent_after_s = silent_after_s
        self._triggered = triggered
        self._pump: Pump | None = None
        self._configured: CameraMode | None = None
        self._now = CameraMode(0, 0, 0, 1.0)
        self._held = HeldControls()

    @classmethod
    def of(cls, settings: CameraSettings) -> Self:
        """The camera that the settings name."""
        return cls(
            settings.source,
            width_px=settings.width_px,
            height_px=settings.height_px,
            fourcc=settings.fourcc,
            silent_after_s=settings.silent_after_s,
            triggered=settings.wired,
        )

    def open(self) -> CameraInfo:
        """Open the source and wait for its first frame of use; a camera that was lost is opened anew.

        It then gets back the mode it was last configured to, because a camera forgets when it is unplugged.

        Raises:
            StationError: `camera_missing`, `camera_silent`, `camera_refused`.
        """
        self.close()
        capture = self._source.open(self._fourcc, self._silent_after_s)
        driver = isinstance(self._source, DeviceSource)
        gaps_show = driver and not self._triggered
        pump = Pump(capture, self._source, self._silent_after_s, gaps_show=gaps_show, driver=driver)
        self._pump = pump
        try:
            warm_up = 0 if self._triggered or not driver else _WARM_UP
            pump.start(lambda opened: self._begin(pump, opened), ignore=warm_up)
            if self._configured is not None and isinstance(self._source, DeviceSource):
                self.configure(self._configured)
            depth = pump.bit_depth if self._triggered else pump.peek().bit_depth
            return CameraInfo(self._source.text, self._source.name(), depth, simulated=False)
        except StationError:
            self.close()
            raise

    def configure(self, mode: CameraMode) -> CameraMode:
        """Set size, exposure and gain, and return what the driver says holds now.

        Automatic exposure, gain, white balance and focus go off with it, and what else the camera does to a
        picture, as far as it lets us: see `controls`. A stream or a recording takes no
        settings: it is refused unless exposure is 0 (not known) and the size is the one it has.

        Raises:
            StationError: `camera_refused`, naming the setting; `camera_missing`, `camera_silent`.
        """
        pump = self._opened()
        width, height = mode.width_px or self._size[0], mode.height_px or self._size[1]
        if not isinstance(self._source, DeviceSource):
            return pump.do(lambda capture: _unchangeable(capture, mode, (width, height)))
        anew = self._resize(pump, width, height)
        with Controls(self._source.text) as controls:
            refused = freeze(controls)
            exposure_us = set_exposure(controls, mode.exposure_us)
            gain = set_gain(controls, mode.gain)
            self._held = held(controls, refused)
        if not self._triggered:  # else the thread waits for a frame that nobody triggers
            pump.do(self._look, ignore=_WARM_UP if anew else _UNSETTLED)
        self._configured = mode
        now = self._now
        readout_us = mode.readout_us or now.period_us
        return replace(now, exposure_us=exposure_us, gain=gain, readout_us=readout_us)

    def controls(self) -> HeldControls:
        """What the last `configure` left the device's controls at, and which would not be neutral."""
        return self._held

    def frames(self) -> Iterator[CapturedFrame]:
        """Frames in order, endless; the newest few are kept while nobody asks.

        Raises:
            StationError: `camera_silent`, none came in time; `camera_missing`, unplugged, ended or closed.
        """
        while True:
            yield self._opened().take()

    def close(self) -> None:
        """Release the source. Never raises."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()

    def _opened(self) -> Pump:
        if self._pump is None:
            raise StationError("camera_missing", f"{self._source.text} is not open")
        return self._pump

    def _resize(self, pump: Pump, width: int, height: int) -> bool:
        """Have this size; whether the stream began anew for it."""
        if not width or not height or (width, height) == (self._now.width_px, self._now.height_px):
            return False

        def work(capture: cv2.VideoCapture) -> None:
            try:
                _set_size(capture, width, height)
            finally:
                self._look(capture)

        pump.do(work)
        return True

    def _look(self, capture: cv2.VideoCapture) -> None:
        """Note size and pace of the frames."""
        width, height = _size(capture)
        self._now = CameraMode(width, height, 0, 1.0, _period_us(capture))

    def _begin(self, pump: Pump, capture: cv2.VideoCapture) -> None:
        if isinstance(self._source, DeviceSource):
            _set_size(capture, *self._size)
            fourcc = fourcc_text(capture)
            if fourcc in _RAW and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0):
                pump.expect(Layout(fourcc))
            self._look(capture)


def _set_size(capture: cv2.VideoCapture, width: int, height: int) -> None:
    """Change the size if another is asked for; OpenCV changes the mode once it knows both."""
    if not width or not height or _size(capture) == (width, height):
        return
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    if (got := _size(capture)) != (width, height):
        raise StationError("camera_refused", f"size: asked {width} x {height}, got {got[0]} x {got[1]}")


def _size(capture: cv2.VideoCapture) -> tuple[int, int]:
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _period_us(capture: cv2.VideoCapture) -> int:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return round(1e6 / rate) if rate > 0 else 0


def _unchangeable(capture: cv2.VideoCapture, mode: CameraMode, size: tuple[int, int]) -> CameraMode:
    got = _size(capture)
    if all(size) and size != got:
        raise StationError("camera_refused", f"size: asked {size[0]} x {size[1]}, got {got[0]} x {got[1]}")
    if mode.exposure_us or mode.gain != 1.0:
        asked = f"exposure {mode.exposure_us} µs, gain {mode.gain:g}"
        raise StationError("camera_refused", f"{asked}: a stream or a recording takes no settings")
    period_us = _period_us(capture)
    return CameraMode(*got, 0, 1.0, period_us, mode.readout_us or period_us)
