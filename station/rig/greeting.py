"""Agreeing with a board: who it is, and whether we understand each other."""

import secrets
import time

from ..documents.fault import StationError
from ..wire import messages as m
from ..wire.session import Session, Stranger
from .conversation import Conversation, SilentError
from .interface import BoardInfo
from .link import Link, LinkLostError


def greet(conversation: Conversation, port: str, lease_ms: int, patience_s: float) -> m.HelloReply:
    """Open a session. Patient, because many boards restart when their port is opened.

    Raises:
        StationError: `rig_protocol` or `rig_silent`.
        LinkLostError: the link is gone.
    """
    session = secrets.randbelow(0xFFFF) + 1
    hello = m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, session, lease_ms)
    give_up_s = time.monotonic() + patience_s
    while True:
        try:
            answer = conversation.ask(hello)
        except SilentError as error:
            if time.monotonic() < give_up_s:
                continue
            raise StationError("rig_silent", _silence(conversation, port, patience_s)) from error
        if isinstance(answer, Stranger):
            raise foreign(answer.prefix, port)
        if isinstance(answer.reply, m.HelloReply):
            return answer.reply
        raise StationError("rig_protocol", f"the board at {port} refused to open a session")


def meet(link: Link, port: str, lease_ms: int, patience_s: float) -> m.HelloReply:
    """Open a port, see who is there, and let go of it again.

    Raises:
        StationError: `rig_missing`, `rig_protocol` or `rig_silent`.
    """
    link.open()
    session = Session(lease_ms / 1_000, secrets.randbelow(256))
    conversation = Conversation(link, session, lambda _: None, lambda _: None, lambda _: None)
    conversation.start()
    try:
        return greet(conversation, port, lease_ms, patience_s)
    except LinkLostError as error:
        raise StationError("rig_missing", f"{port} went away while it was opened: {error}") from error
    finally:
        conversation.stop()
        link.close()


def _silence(conversation: Conversation, port: str, patience_s: float) -> str:
    heard = conversation.bytes_received
    if heard:
        return f"{port} sends bytes ({heard} so far), but not the rig's protocol"
    return f"nothing answers at {port} within {patience_s:g} s"


class ForeignBoardError(StationError):
    """`rig_protocol`: a board answers, but in another version; `prefix` says which."""

    def __init__(self, prefix: m.Prefix, message: str, hint: str) -> None:
        super().__init__("rig_protocol", message, hint)
        self.prefix = prefix


def foreign(board: m.Prefix, port: str) -> ForeignBoardError:
    """The error that names both versions and the command that mends it."""
    return ForeignBoardError(
        board,
        f"the board at {port} speaks protocol {board.major}.{board.minor} (schema {board.schema_hash:08x}), "
        f"this station {m.MAJOR}.{m.MINOR} (schema {m.SCHEMA_HASH:08x})",
        f"Write the firmware that belongs to this release: `station rig flash --port {port}`.",
    )


def info_of(reply: m.HelloReply, port: str) -> BoardInfo:
    """What a board said of itself, in the words of the house."""
    return BoardInfo(
        port=port,
        board=reply.board.says,
        firmware=f"{reply.firmware_major}.{reply.firmware_minor}.{reply.firmware_patch}"
        + (f"+{reply.git:08x}" if reply.git else ""),
        light_count=reply.light_count,
        boot_nonce=reply.boot_nonce,
        reset_cause=reply.reset_cause.says,
        max_on_ms=reply.max_on_max_ms,
        ticks_hz=reply.ticks_hz,
        simulated=bool(reply.flags & m.BoardFlag.SIMULATED),
        left_fault="" if reply.fault is m.Fault.NONE else reply.fault.says,
    )
