"""Who may connect over TCP: the server's own key, and a list of named client keys.

    server.json             the server's key pair, mode 0600, made at first use
    clients/<name>.json     the public key of each client that is let in

The secret of a client is in the file that `add` hands out, and nowhere else.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import zmq
from pydantic import TypeAdapter, ValidationError

from ..documents.base import StrictDocument
from ..documents.fault import StationError
from ..documents.key import ClientKey, KeyName, Z85Key

log = logging.getLogger(__name__)
_key_name = TypeAdapter[str](KeyName)


class ServerKey(StrictDocument):
    """The server's own key pair."""

    public: Z85Key
    secret: Z85Key


class AllowedKey(StrictDocument):
    """A client that is let in."""

    name: KeyName
    public: Z85Key


class KeyRing:
    """The keys below one folder. Additions and removals hold for every connection made after them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients = folder / "clients"

    def server(self) -> ServerKey:
        """The server's key pair, made at first use.

        Raises:
            StationError: `key_refused`, the file is damaged; `data_unwritable`.
        """
        path = self._folder / "server.json"
        if not path.exists():
            with contextlib.suppress(FileExistsError), _writing(path):  # another process may be first
                _write_new(path, ServerKey(**_pair()))
        try:
            return ServerKey.model_validate_json(path.read_bytes())
        except ValidationError as error:
            hint = "Restore it from a backup, or remove it: then every client needs a new key file."
            raise StationError("key_refused", f"{path} is damaged", hint) from error

    def add(self, name: str) -> ClientKey:
        """Let a new client in; the key is for its owner, see `write_client_key`.

        Raises:
            StationError: `bad_request`, the name is taken or no name; `data_unwritable`.
        """
        self._check(name)
        if name in self.names():
            raise StationError(
                "bad_request",
                f"there is a key named {name} already",
                f"Remove it first: `station keys remove {name}`.",
            )
        key = ClientKey(name=name, server=self.server().public, **_pair())
        _store(self._clients / f"{name}.json", AllowedKey(name=name, public=key.public))
        return key

    def remove(self, name: str) -> None:
        """Let a client in no longer.

        Raises:
            StationError: `bad_request`, there is no such client.
        """
        self._check(name)
        try:
            (self._clients / f"{name}.json").unlink()
        except FileNotFoundError as error:
            raise StationError(
                "bad_request", f"there is no key named {name}", f"Known: {', '.join(self.names()) or 'none'}."
            ) from error

    def names(self) -> list[str]:
        """Who is let in."""
        return sorted(path.stem for path in self._clients.glob("*.json"))

    def name_of(self, public: str) -> str | None:
        """Whose public key this is; None: nobody's who is let in."""
        for path in self._clients.glob("*.json"):
            try:
                key = AllowedKey.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                log.warning("%s is not a client's key, it lets nobody in", path)
                continue
            if key.public == public:
                return key.name
        return None

    @staticmethod
    def _check(name: str) -> None:
        try:
            _key_name.validate_python(name)
        except ValidationError as error:
            hint = "A name has 1 to 32 letters, digits, hyphens or underscores."
            raise StationError("bad_request", f"{name!a} is no name for a key", hint) from error


def write_client_key(key: ClientKey, path: Path) -> None:
    """Write the key file for its owner, readable by nobody else.

    Raises:
        StationError: `data_unwritable`, also when there is such a file already.
    """
    _store(path, key)


def _store(path: Path, document: StrictDocument) -> None:
    try:
        with _writing(path):
            _write_new(path, document)
    except FileExistsError as error:
        raise StationError("data_unwritable", f"{path} exists already", "Choose another name.") from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise StationError("data_unwritable", f"{path} cannot be written: {error.strerror}") from error


def _pair() -> dict[str, str]:
    public, secret = zmq.curve_keypair()
    return {"public": public.decode(), "secret": secret.decode()}


def _write_new(path: Path, document: StrictDocument) -> None:
    """Write a private file that appears whole and replaces nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, document.model_dump_json(indent=2).encode() + b"\n")
        os.fsync(descriptor)
        os.link(part, path)
    finally:
        os.close(descriptor)
        part.unlink()
