"""The fixed parts of the pages: markup, style, scripts."""

from functools import cache
from importlib import resources


@cache
def part(name: str) -> str:
    """The text of a file of `page/`."""
    return resources.files(__package__).joinpath("page", name).read_text("utf-8")
