"""Which card, which side, which way up: how often that is wrong on the twin's cards, and what a search costs.

The cards are painted, not photographed, so that there are enough of them. They share one frame, as the cards
of a game do, and differ in picture, text and colours.
"""

import statistics
import time
from collections.abc import Sequence

import numpy as np
from _card import tell
from _faces import painted, taken
from numpy.typing import NDArray

from station.card.appearance import BITS, Look, look_at, to_document, turned, turning_bits
from station.card.recognition import SAME, Library
from station.card.sides import Sides, SideVerdict
from station.documents.judgement import Expected
from station.documents.plan import Side
from station.scan.recognising import Recogniser

FRONTS = 3_000
AGAIN = 400
KNOWN = 10_000
LEARNED, LEARNED_FROM = (12, 100), 300
UNCERTAIN = {"misplaced": {"shift_px": 1.0}, "with a glint": {"glint": True}, "as a rule": {}}
Bits = NDArray[np.uint64]


def bits_of(looks: Sequence[Look]) -> Bits:
    """Packed bits (N, words)."""
    return np.stack([look.bits for look in looks]).view(np.uint64)


def histogram(fronts: Bits) -> NDArray[np.int64]:
    """How many pairs differ in so many bits, the nearer way up of the two."""
    halves = np.stack([fronts, fronts ^ turning_bits().view(np.uint64)])
    counts = np.zeros(BITS + 1, np.int64)
    for k in range(len(fronts) - 1):
        apart = np.bitwise_count(halves[:, k + 1 :] ^ fronts[k]).sum(axis=2).min(axis=0)
        counts += np.bincount(apart, minlength=BITS + 1)
    return counts


def false_matches(fronts: Bits) -> None:
    """The rate at `SAME`, counted and estimated from the tail: a straight line in the logarithm."""
    counts = histogram(fronts)
    share = np.cumsum(counts) / counts.sum()
    pairs = f"{counts.sum():,} pairs of {len(fronts):,} fronts"
    nearest = int(np.flatnonzero(counts)[0])
    far, near = (int(np.searchsorted(share, level)) for level in (1e-3, 1e-6))
    decades = np.log10(share[far] / share[near]) / (far - near)
    estimate = share[near] * 10 ** (-decades * (near - SAME))
    billion, drawn = "per 10^9 pairs", f"drawn on from {near} and {far} bits"
    tell("false matches, counted", 1e9 * float(share[SAME]), billion, f"{pairs}, at most {SAME} bits")
    tell("false matches, estimated from the tail", 1e9 * estimate, billion, drawn)
    tell("nearest two different fronts", nearest, "bits", f"{pairs}, of {BITS} bits")


def missed_matches(faces: Sequence[NDArray[np.float32]], fronts: Bits) -> None:
    """The share of fronts taken again that differ in more than `SAME` bits from themselves."""
    rng = np.random.default_rng(2)
    for name, how in UNCERTAIN.items():
        again = bits_of([look_at(taken(face, rng, **how)) for face in faces])
        apart = np.bitwise_count(again ^ fronts[: len(again)]).sum(axis=1)
        note = f"{len(again)} fronts, mean {apart.mean():.0f}, at most {apart.max()} bits"
        tell(f"missed matches, {name}", 100 * float((apart > SAME).mean()), "%", note)


def verdicts(learned: int, looks: dict[Side, list[Look]]) -> None:
    """Errors and undecided cases of side and way up, of faces that were not learned from."""
    found: list[tuple[bool, Side, SideVerdict]] = []
    for first in range(0, LEARNED_FROM - learned + 1, learned):
        sides = Sides()
        for side, known in looks.items():
            for look in known[first : first + learned]:
                sides.remember(side, look)
        found += [
            (turn, side, sides.judge(turned(look) if turn else look))
            for side, known in looks.items()
            for look in known[LEARNED_FROM:]
            for turn in (False, True)
        ]
    note = f"{len(found)} faces, {LEARNED_FROM // learned} times {learned} of each side learned"
    for what, wrong, open_ in (
        ("side", [v.side not in (None, side) for _, side, v in found], [v.side is None for *_, v in found]),
        ("way up", [v.turned not in (None, t) for t, _, v in found], [v.turned is None for *_, v in found]),
    ):
        tell(f"{what} wrong after {learned} cards", 100 * float(np.mean(wrong)), "%", note)
        tell(f"{what} open after {learned} cards", 100 * float(np.mean(open_)), "%", note)


def search(looks: Sequence[Look], face: NDArray[np.float32]) -> None:
    """The time of one search through 10,000 faces either way up, and of a whole judgement."""
    library, recogniser, rng = Library(), Recogniser(), np.random.default_rng(3)
    for k in range(KNOWN):
        look = looks[k % len(looks)]
        noisy = Look(look.bits ^ rng.integers(0, 256, look.bits.shape, np.uint8), look.layout)
        library.add(str(k), noisy)
        recogniser.remember(str(k), str(k), "front", to_document(noisy))
    expected = Expected(side="front", accept_known=False, upright=True)
    works = {
        f"search of {KNOWN:,} faces, both ways up": lambda: library.nearest(looks[0], 32),
        f"judgement of a face with {KNOWN:,} known": lambda: recogniser.judge(face, expected),
    }
    for name, work in works.items():
        times = []
        for _ in range(25):
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
        tell(name, 1e3 * statistics.median(times), "ms", "median of 25")


def main() -> None:
    """Measure."""
    rng = np.random.default_rng(1)
    faces = [painted(seed) for seed in range(AGAIN)]
    fronts = [look_at(faces[seed] if seed < AGAIN else painted(seed)) for seed in range(FRONTS)]
    packed = bits_of(fronts)
    search(fronts, faces[0])
    false_matches(packed)
    missed_matches(faces, packed)
    looks: dict[Side, list[Look]] = {
        "front": [look_at(taken(face, rng)) for face in faces],
        "back": [look_at(taken(painted(seed, "back"), rng)) for seed in range(AGAIN)],
    }
    for learned in LEARNED:
        verdicts(learned, looks)


if __name__ == "__main__":
    main()
