"""The command line: a face on the client and the documents, like any other program's."""

import sys


def main() -> None:
    """Entry point of `station`; ends the process with the fault's exit code, never with a traceback."""
    from ..documents.fault import StationError, fault  # noqa: PLC0415 - keep the refusal below free of imports

    try:
        _require_linux()
        from .app import run  # noqa: PLC0415

        run()
    except StationError as error:
        sys.stderr.write(f"error: {error}\n  what to do: {error.hint}\n")
        raise SystemExit(fault(error.code).exit_code) from None
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(141) from None


def _require_linux() -> None:
    from ..documents.fault import StationError  # noqa: PLC0415

    if not sys.platform.startswith("linux"):
        raise StationError("not_linux", f"the station runs on Linux; this is {sys.platform}")
