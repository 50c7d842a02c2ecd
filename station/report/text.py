"""Numbers and times as people read them."""

from datetime import UTC, datetime
from html import escape
from math import isnan

NOT_MEASURED = "not measured"


def number(value: float | None, decimals: int, unit: str = "") -> str:
    """A figure with its unit, a real minus sign, and words where there is none."""
    if value is None or isnan(value):
        return NOT_MEASURED
    gap = "" if unit in {"", "°"} else "\u00a0"
    return f"{value:.{decimals}f}{gap}{unit}".replace("-", "−")


def moment(iso: str) -> str:
    """`2026-11-22T14:03:00Z` as `22 November 2026, 14:03 UTC`; what is no time stays as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if when.tzinfo is None:
        return f"{when.day} {when:%B %Y, %H:%M}"
    return f"{when.astimezone(UTC).day} {when.astimezone(UTC):%B %Y, %H:%M} UTC"


def element(tag: str, content: str, **attributes: str) -> str:
    """An element around plain text, both made safe. `class_` becomes `class`, `text_anchor` `text-anchor`."""
    written = "".join(f' {_attribute(name)}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{escape(content)}</{tag}>"


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
