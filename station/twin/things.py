"""Everything that can lie on the mat or reach over it, as values."""

from dataclasses import dataclass, replace
from typing import Literal

from .balls import Balls
from .chart import ChartTarget
from .charuco import BoardTarget
from .sheet import Sheet
from .spec import CardSpec, Unkind

Edge = Literal["bottom", "left", "right", "top"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cards at once. Where they overlap, `above` is seen; it may stick out of the picture."""

    below: CardSpec
    above: CardSpec

    @classmethod
    def of(
        cls, below: CardSpec, above: CardSpec, apart: tuple[float, float, float] = (13.0, -8.0, 6.0)
    ) -> "Pair":
        """The second card pushed by so many mm to the right and up, and turned by so many degrees."""
        return cls(below, replace(above, nudge=apart))

    @property
    def unkind(self) -> Unkind:
        """What the picture suffers is the lower card's."""
        return self.below.unkind


Lying = CardSpec | Pair | Sheet | BoardTarget | ChartTarget | Balls | None
"""What lies on the mat; None: nothing."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand that reaches over whatever lies there. It throws no shadow.

    Attributes:
        over: what lies beneath it.
        phase: of the movement; 0: still out of the picture, 1: its fingers are on the card.
        edge: of the picture, over which it comes.
        seed: of its place and its slant.
    """

    over: Lying = None
    phase: float = 1.0
    edge: Edge = "bottom"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a movement that is none.

        Raises:
            ValueError: the phase is not between 0 and 1.
        """
        if not 0 <= self.phase <= 1:
            raise ValueError("the phase of a hand's movement lies between 0 and 1")

    @property
    def unkind(self) -> Unkind:
        """That of what lies beneath."""
        return Unkind() if self.over is None else self.over.unkind


Thing = Lying | Hand
