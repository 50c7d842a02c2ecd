"""What lies on the mat: a card by its seed, and everything unkind that the world does to its picture.

All figures are those of a used card on a hobbyist's rig. Every element has its own random stream, so
switching one off changes nothing else.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

import numpy as np

from .chance import stream

Side = Literal["front", "back"]


@dataclass(frozen=True, slots=True)
class Unkind:
    """The switchboard: what the twin does not spare the station. Zero (or False) switches an element off.

    Attributes:
        motion_px_rms: rms shift of the picture between frames, per axis, in camera pixels.
        relief_um_rms: rms height of the paper's own relief.
        relief_correlation_mm: length at which the relief's autocorrelation has fallen to 1/e.
        ink_step_um: height of a printed layer over the bare stock.
        light_drift: rms relative change of a light's power from frame to frame.
        text_contrast: how dark the printed text is, 1 is black on its panel, 0 is none.
        thickness_mm: of the card; its face lies that high over the mat.
        offset_mm: largest distance of the card's centre from the mat's, per axis.
        turn_deg: largest rotation of the card, either way.
        gloss: strength of the coat's specular reflection, 1 is a varnished card, 0 is matte.
        shot_noise: whether photons arrive at random.
        read_noise: whether the sensor's electronics add noise.
        ambient: room light, as a share of what the middle light gives at the mat's centre.
        scratches: how many.
        dents: how many.
        print_lines: how many lines the printing press left; they have no relief.
        edge_wear: how many whitened stretches of an edge.
        corner_wear: how many worn corners, at most 4.
        foil: whether the picture window is holographic foil.
        creases: how many folds through a corner region.
        stains: how many discoloured spots without relief.
        sleeve: whether the card is still in its clear sleeve, see `film`.
    """

    motion_px_rms: float = 0.05
    relief_um_rms: float = 0.3
    relief_correlation_mm: float = 0.1
    ink_step_um: float = 1.0
    light_drift: float = 0.01
    text_contrast: float = 1.0
    thickness_mm: float = 0.3
    offset_mm: float = 3.0
    turn_deg: float = 2.0
    gloss: float = 1.0
    shot_noise: bool = True
    read_noise: bool = True
    ambient: float = 0.01
    scratches: int = 2
    dents: int = 1
    print_lines: int = 1
    edge_wear: int = 1
    corner_wear: int = 2
    foil: bool = False
    creases: int = 0
    stains: int = 0
    sleeve: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: a negative figure, or more than four worn corners.
        """
        for item in fields(self):
            if getattr(self, item.name) < 0:
                raise ValueError(f"{item.name} must not be negative")
        if self.corner_wear > 4:
            raise ValueError("corner_wear: a card has four corners")
        if self.relief_um_rms > 0 and self.relief_correlation_mm <= 0:
            raise ValueError("relief_correlation_mm must be positive where there is relief")

    def without(self, *names: str) -> Self:
        """A copy with these elements switched off.

        Raises:
            TypeError: no such element.
        """
        changes: dict[str, Any] = {name: type(getattr(self, name, 0))() for name in names}
        return replace(self, **changes)

    @classmethod
    def kind(cls) -> Self:
        """Everything off: a matte, unworn card, centred and straight, seen by a noiseless still camera."""
        return cls().without(*(item.name for item in fields(cls) if item.name != "relief_correlation_mm"))


@dataclass(frozen=True, slots=True)
class CardSpec:
    """One side of one card. Front and back of the same seed share stock, size, warp and worn corners.

    Attributes:
        seed: which card.
        side: which face lies up.
        bow_mm: height of the card's middle over its short edges, seen from the front; None: drawn from the
            seed, never zero.
        twist_mm: by how much the corners are lifted and sunk in turn; None: drawn from the seed.
        unkind: what it and its picture suffer.
        turned: whether it lies upside down, by half a turn.
        copy: which copy of the printing; another one has the same art, but was cut, worn, bent and put down
            in its own way.
        nudge: how it was moved since it was put down: right and up in mm, counter-clockwise in degrees.
    """

    seed: int
    side: Side = "front"
    bow_mm: float | None = None
    twist_mm: float | None = None
    unkind: Unkind = field(default_factory=Unkind)
    turned: bool = False
    copy: int = 0
    nudge: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def own(self, *names: str | int) -> np.random.Generator:
        """The random stream of what this copy does not share with others of its printing."""
        return stream(self.seed, *(("copy", self.copy) if self.copy else ()), *names)
