"""The socket of a server: bound with all limits, over TCP only behind keys, closed without a trace."""

from collections.abc import Mapping

import zmq
import zmq.asyncio

from ..documents.fault import StationError
from ..documents.limits import Limits
from .keys import KeyRing
from .sockets import IPC, bind, make
from .zap import Gatekeeper

DOMAIN = b"station"


class ServerSocket:
    """One bound socket with a context of its own.

    Args:
        kind: `zmq.ROUTER`, ...
        endpoint: where to bind.
        limits: of all sockets.
        message_bytes, queue: this socket's.
        keys: who may come in over TCP; not asked on `ipc://`, where the folder's mode decides.
        options: what else to set before binding.
    """

    def __init__(
        self,
        kind: int,
        endpoint: str,
        limits: Limits,
        message_bytes: int,
        queue: int,
        keys: KeyRing | None,
        options: Mapping[int, int | bytes],
    ) -> None:
        self._kind = kind
        self._endpoint = endpoint
        self._limits = limits
        self._message_bytes = message_bytes
        self._queue = queue
        self._keys = keys
        self._options = options
        self._gatekeeper: Gatekeeper | None = None

    async def open(self) -> zmq.asyncio.Socket:
        """Bind.

        Raises:
            StationError: `endpoint_invalid`, also for TCP without keys; or what the key ring raises.
        """
        self._context = zmq.asyncio.Context()
        try:
            socket = make(self._context, self._kind, self._limits, self._message_bytes, self._queue)
            for option, value in self._options.items():
                socket.setsockopt(option, value)
            self._guard(socket)
            bind(socket, self._endpoint)
        except BaseException:
            await self.close()
            raise
        return socket

    def _guard(self, socket: zmq.asyncio.Socket) -> None:
        if self._endpoint.startswith(IPC):
            return
        if self._keys is None:
            raise StationError("endpoint_invalid", f"{self._endpoint} cannot be served without keys")
        own = self._keys.server()
        socket.curve_server = True
        socket.curve_publickey = own.public.encode()
        socket.curve_secretkey = own.secret.encode()
        socket.zap_domain = DOMAIN
        self._gatekeeper = Gatekeeper(self._context, self._keys.name_of)
        self._gatekeeper.open()

    async def close(self) -> None:
        """Close the socket and all that belongs to it."""
        if self._gatekeeper is not None:
            await self._gatekeeper.close()
        self._context.destroy(linger=0)
