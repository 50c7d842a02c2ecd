"""The key file that lets one client in over TCP."""

from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, ValidationError

from .base import StrictDocument
from .fault import StationError

Z85Key = Annotated[str, StringConstraints(pattern=r"^[!-~]{40}$")]
KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


class ClientKey(StrictDocument):
    """A CURVE key pair (Z85, 40 characters each) and the public key of the server that it is for."""

    name: KeyName
    public: Z85Key
    secret: Z85Key
    server: Z85Key


def load_key(path: Path) -> ClientKey:
    """Read a key file.

    Raises:
        StationError: `key_refused`, it is missing, no key file, or readable by others.
    """
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise StationError(
                "key_refused", f"{path} can be read by others (mode {mode:04o})", f"Run `chmod 600 {path}`."
            )
        return ClientKey.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StationError("key_refused", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise StationError("key_refused", f"{path} is not a key file") from error
