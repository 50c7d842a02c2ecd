"""The one catalogue of faults: every face of the station renders the same entry."""

import tomllib
from functools import cache
from importlib import resources

from .base import StrictDocument


class FaultEntry(StrictDocument):
    """An entry of `faults.toml`. `exit_code` is what the command line ends with."""

    code: str
    title: str
    causes: tuple[str, ...]
    next_step: str
    exit_code: int = 1


class StationError(Exception):
    """An error that has an entry in the fault catalogue.

    `str(error)` is one sentence for the user: what is wrong and where; `hint` is what to do.
    """

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint if hint is not None else fault(code).next_step


@cache
def faults() -> dict[str, FaultEntry]:
    """All entries by code."""
    text = resources.files(__package__).joinpath("faults.toml").read_text("utf-8")
    return {code: FaultEntry(code=code, **entry) for code, entry in tomllib.loads(text).items()}


def fault(code: str) -> FaultEntry:
    """The entry of one code.

    Raises:
        KeyError: the code is not in the catalogue, which is a mistake in the program.
    """
    return faults()[code]
