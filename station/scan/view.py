"""Whoever looks at the mat while nobody works with rig and camera, as the scan service sees them."""

from typing import Protocol


class View(Protocol):
    """Makes room for whoever works with rig and camera."""

    async def clear(self) -> None:
        """Rig and camera are needed; returns when they are free and the lights are off."""
        ...

    def free(self) -> None:
        """They are not needed any more."""
        ...


class NobodyLooks:
    """A station without a live picture."""

    async def clear(self) -> None:
        """Nothing is in the way."""

    def free(self) -> None:
        """Nobody waits."""
