"""What a service tells the service manager (sd_notify(3)): ready, alive, stopping. Without one, nothing."""

import os
import socket


def notify(*lines: str) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STATUS=...` and the like; whether a service manager listens.

    A manager that has gone away is none of the service's business: nothing is raised.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # a name without a file begins with a zero byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """How often at least the service must say `WATCHDOG=1`; None: nobody waits for it."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not wanted.isdigit() or int(wanted) == 0 or meant not in ("", str(os.getpid())):
        return None
    return int(wanted) / 1e6
