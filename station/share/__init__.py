"""Where the shipped data lies: beside the package in a wheel, at the top of the tree in a checkout."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parent.parent


def shared(*parts: str) -> Path:
    """The path of shipped data, such as `shared("calibration", "twin.toml")`.

    Raises:
        FileNotFoundError: neither the wheel nor the checkout holds it.
    """
    for root in (_HERE, _CHECKOUT):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{'/'.join(parts)} is missing from this installation; reinstall the package scan-station"
    )


def in_checkout() -> bool:
    """Whether the data is that of a source tree: the package then lies beside it, not above it."""
    return not (_HERE / "firmware").exists() and (_CHECKOUT / "firmware").exists()
