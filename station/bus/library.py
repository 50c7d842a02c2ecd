"""Which libzmq is linked."""

import zmq


def libzmq_version() -> tuple[int, int, int]:
    """Its version, as it says itself."""
    return zmq.zmq_version_info()[:3]
