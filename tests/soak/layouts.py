"""Which layout of the lights gives the truer normals: one ring of eight, or two rings of four.

Every seed is a card, with its gloss and everything unkind, and a rig of each layout with the same
misplacements, powers and camera. Each rig's profile is the truth about it, so that only the layout tells.
"""

import json
import secrets
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from station.calibrate.profile import LoadedProfile, load_profile
from station.offline.truth import angles_deg
from station.scan.pipeline import Stack, compute
from station.twin.profile import true_profile
from station.twin.rigs import Layout, Rig, random_rig
from station.twin.scene import Scene
from station.twin.spec import CardSpec
from station.twin.truth import truth

DPI = 300
SEEDS = 6
LAYOUTS: tuple[Layout, ...] = ("ring", "two_rings")


def known(rig: Rig) -> LoadedProfile:
    """The rig's true profile."""
    with TemporaryDirectory() as folder:
        return load_profile(str(true_profile(rig, DPI, Path(folder), "truth")))


def error_deg(rig: Rig, profile: LoadedProfile, spec: CardSpec) -> float:
    """Mean angle between measured and true normals inside the card."""
    scene = Scene(spec.seed, dpi=DPI, rig=rig)
    scene.place(spec)
    ambient, *lit = (scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
    stack = Stack(ambient, tuple(lit), tuple(range(8)), 15_000)
    maps = compute(stack, profile, rectified_dpi=DPI).maps
    real = truth(spec, maps.dpi)
    return float(angles_deg(maps.normals, real.normals)[real.mask & maps.valid].mean())


def errors_deg(layout: Layout, seeds: list[int]) -> list[float]:
    """Both sides of every seed's card on every seed's rig of this layout."""
    found = []
    for seed in seeds:
        rig = random_rig(seed, layout)
        profile = known(rig)
        found += [error_deg(rig, profile, CardSpec(seed, side)) for side in ("front", "back")]
    return found


def tell(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure."""
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "note": note}), flush=True)


def main() -> None:
    """Measure; seeds may be given as arguments."""
    seeds = [int(word) for word in sys.argv[1:]] or [secrets.randbelow(1_000_000) for _ in range(SEEDS)]
    drawn = f"mean of seeds {', '.join(map(str, seeds))}, both sides, 300 dpi"
    errors = {layout: np.array(errors_deg(layout, seeds)) for layout in LAYOUTS}
    for layout, of_layout in errors.items():
        tell(f"normals of a twin card, {layout}, mean angular error", float(of_layout.mean()), "deg", drawn)
    more = errors["two_rings"] - errors["ring"]
    spread = float(more.std(ddof=1) / np.sqrt(len(more)))
    tell("two rings less one ring", float(more.mean()), "deg", f"standard error {spread:.4f}, card by card")


if __name__ == "__main__":
    main()
