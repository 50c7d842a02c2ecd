"""The cable: four methods, and the one place that knows pyserial."""

import logging
import select
import termios
from pathlib import Path
from typing import Protocol

import serial

from ..documents.fault import StationError

log = logging.getLogger(__name__)
WRITE_TIMEOUT_S = 1.0
_CFLAG = 2  # place of the control modes in what tcgetattr returns


class LinkLostError(Exception):
    """The cable is out, or the device behind it is gone."""


class Link(Protocol):
    """Bytes out, bytes in. After `LinkLostError` only `close` makes sense; then `open` may be tried again."""

    def open(self) -> None:
        """Take the port for us alone.

        Raises:
            StationError: `rig_missing`.
        """
        ...

    def read(self, patience_s: float) -> bytes:
        """What has arrived; empty if nothing did within `patience_s`. Raises LinkLostError."""
        ...

    def write(self, data: bytes) -> None:
        """Send. Raises LinkLostError."""
        ...

    def close(self) -> None:
        """Release the port. Never raises."""
        ...


class SerialLink:
    """A serial port, or a pseudo-terminal that plays one."""

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        self._baud = baud
        self._serial: serial.Serial | None = None

    def open(self) -> None:
        """See `Link`."""
        if not Path(self._port).exists():
            raise StationError("rig_missing", f"there is no port {self._port}")
        try:
            port = serial.Serial(
                self._port, self._baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError, termios.error) as error:
            raise StationError("rig_missing", f"{self._port} cannot be opened: {error}") from error
        _keep_dtr_on_close(port)
        self._serial = port

    def read(self, patience_s: float) -> bytes:
        """See `Link`."""
        port = self._opened()
        try:
            ready, _, _ = select.select([port.fileno()], [], [], patience_s)
            return port.read(max(1, port.in_waiting)) if ready else b""
        except OSError as error:  # SerialException is one; a vanished device raises either
            raise LinkLostError(str(error)) from error

    def write(self, data: bytes) -> None:
        """See `Link`."""
        try:
            self._opened().write(data)
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def close(self) -> None:
        """See `Link`."""
        port, self._serial = self._serial, None
        if port is None:
            return
        try:
            port.close()
        except (OSError, termios.error) as error:
            log.debug("closing %s: %s", self._port, error)

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise LinkLostError(f"{self._port} is not open")
        return self._serial


def _keep_dtr_on_close(port: serial.Serial) -> None:
    """Clear HUPCL: boards of the Arduino kind take a falling DTR for the reset button."""
    try:
        modes = termios.tcgetattr(port.fileno())
        modes[_CFLAG] &= ~termios.HUPCL
        termios.tcsetattr(port.fileno(), termios.TCSANOW, modes)
    except termios.error as error:
        log.debug("%s: HUPCL stays as it is: %s", port.port, error)
