"""Which light's place does each picture show? Any light may be at any place, so order says nothing.

What all pictures together show, against all flat fields together, is the reflectance, whichever of them
belongs to which light. What is left of each picture is matched with every pattern; then once more, with the
reflectance that the matches give.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

ROUNDS = 3
CLEARLY_ANOTHER = 0.1
"""By how much another light's pattern must fit better (difference of correlations) before it is believed."""
_TINY = 0.1  # codes: what is darker still has a logarithm
_USUAL_SCATTER = 0.03  # of a matte cell between lights: relief, noise, drift


def places_of(added: Floats, numbers: list[int], flat: Floats) -> list[int]:
    """For each picture, the light whose pattern it has.

    Args:
        added: (pictures, rows, columns), what each light adds to darkness, in codes.
        numbers: the light that each picture was taken under, as far as the board knows.
        flat: (lights, rows, columns), of every light of the profile.
    """
    codes = np.log(np.maximum(added, _TINY), dtype=np.float64).reshape(len(added), -1)
    patterns = np.log(flat, dtype=np.float64).reshape(len(flat), -1)
    reflectance = np.log(np.maximum(added, _TINY).sum(axis=0) / flat[numbers].sum(axis=0)).ravel()
    weights = np.ones_like(reflectance)
    found = list(numbers)
    for _ in range(ROUNDS):
        fits = _fits(codes - reflectance, patterns, weights)
        found = [_place(own, row) for own, row in zip(numbers, fits, strict=True)]
        reflectance, weights = _reflectance(codes - patterns[found])
    return found


def _fits(rows: Doubles, patterns: Doubles, weights: Doubles) -> Doubles:
    """Weighted correlations of pictures (rows) with lights (columns), less what all lights share."""
    common = patterns.mean(axis=0)
    return np.asarray(_standard(rows - common, weights) @ _standard(patterns - common, weights).T)


def _standard(rows: Doubles, weights: Doubles) -> Doubles:
    centred = rows - (rows * weights).sum(axis=1, keepdims=True) / weights.sum()
    scaled = centred * np.sqrt(weights)
    return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-9))


def _place(own: int, fits: Doubles) -> int:
    best = int(np.argmax(fits))
    return best if fits[best] > fits[own] + CLEARLY_ANOTHER else own


def _reflectance(ratio: Doubles) -> tuple[Doubles, Doubles]:
    """Median over the pictures, and how far a cell is to be trusted: foil and gloss scatter."""
    level = np.median(ratio, axis=1, keepdims=True)
    middle = np.median(ratio - level, axis=0)
    scatter = 1.4826 * np.median(np.abs(ratio - level - middle), axis=0)
    return middle, 1 / (_USUAL_SCATTER**2 + scatter**2)
