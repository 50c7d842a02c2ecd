"""How true a scan of the twin is at 600 dpi and its unkind defaults, on cards drawn anew in every run.

Prints the seeds, so that a figure can be looked into. Each element's share is shown by leaving it out.
"""

import json
import secrets
import sys
import time
from dataclasses import replace

import numpy as np

from station.calibrate.profile import load_profile
from station.offline.truth import angles_deg
from station.photometric.solve import ROBUST
from station.scan.pipeline import Computed, Stack, compute
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from station.twin.truth import Truth, truth

DPI = 600
CARDS = 3
BOWED_MM = 1.5
ELEMENTS = (
    "gloss",
    "shot_noise",
    "read_noise",
    "motion_px_rms",
    "light_drift",
    "relief_um_rms",
    "ink_step_um",
)


def scan(spec: CardSpec) -> tuple[Computed, Truth, float]:
    """Render, compute, and the truth to hold it against; also the seconds of the computation."""
    scene = Scene(spec.seed, dpi=DPI)
    scene.place(spec)
    ambient, *lit = (scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
    start = time.perf_counter()
    computed = compute(
        Stack(ambient, tuple(lit), tuple(range(8)), 15_000), load_profile("twin"), rectified_dpi=DPI
    )
    return computed, truth(spec, computed.maps.dpi), time.perf_counter() - start


def errors_deg(computed: Computed, real: Truth) -> tuple[float, float]:
    """Mean angle between measured and true normals inside the card, and of the constant normal (0, 0, 1)."""
    inside = real.mask & computed.maps.valid
    upright = np.broadcast_to(np.array([0, 0, 1], np.float32), real.normals.shape)
    return (
        float(angles_deg(computed.maps.normals, real.normals)[inside].mean()),
        float(angles_deg(upright, real.normals)[inside].mean()),
    )


def photon_limit_deg(spec: CardSpec) -> tuple[float, float]:
    """Mean angle that noise alone leaves on a matte still card, by the noise model; and the one found there.

    The limit is that of the camera's pixels; resampling into the card's frame averages a little of it away.
    """
    scene = Scene(spec.seed, dpi=DPI)
    still = Unkind().without("gloss", "motion_px_rms", "light_drift")
    scene.place(replace(spec, unkind=still))
    ambient, *lit = (scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
    stack = Stack(ambient, tuple(lit), tuple(range(8)), 15_000)
    exact = replace(ROBUST, model_error=0.0, shine_error=0.0)
    found = compute(stack, load_profile("twin"), rectified_dpi=DPI, estimator=exact)
    inside = found.maps.valid
    error, _ = errors_deg(found, truth(replace(spec, unkind=still), found.maps.dpi))
    return float(np.sqrt(np.pi / 2) * found.maps.sigma_deg[inside].mean()), error


def centering_points(computed: Computed, real: Truth) -> float:
    """The worse of the two centering errors; 50 where none was measured."""
    found = computed.measurements.centering
    if found is None:
        return 50.0
    off = found.left_percent - real.borders.left_percent, found.top_percent - real.borders.top_percent
    return max(map(abs, off))


def tell(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure."""
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "note": note}), flush=True)


def main() -> None:
    """Measure; seeds may be given as arguments."""
    seeds = [int(word) for word in sys.argv[1:]] or [secrets.randbelow(1_000_000) for _ in range(CARDS)]
    drawn = f"worst of seeds {', '.join(map(str, seeds))}"
    normals, ratios, centering, times = [], [], [], []
    for seed in seeds:
        for side in ("front", "back"):
            for bow_mm in (None, BOWED_MM):
                computed, real, seconds = scan(CardSpec(seed, side, bow_mm))
                mean, flat = errors_deg(computed, real)
                normals.append(mean)
                ratios += [mean / flat] if bow_mm else []
                centering.append(centering_points(computed, real))
                times.append(seconds)
    tell("normals of a twin card, mean angular error", max(normals), "deg", f"{drawn}, both sides")
    tell(
        "the same of a card bowed by 1.5 mm, as a share of (0, 0, 1)",
        max(ratios),
        "1",
        f"{drawn}, both sides",
    )
    tell("centering error", max(centering), "points", f"{drawn}, both sides")
    tell(
        "computation of one side at 600 dpi", float(np.median(times)), "s", "median; without report and disk"
    )
    limit, seen = photon_limit_deg(CardSpec(seeds[0]))
    told = f"matte and still, front of seed {seeds[0]}; found there, after resampling, {seen:.3f}"
    tell("normals that the photons of a twin card allow", limit, "deg", told)
    for name in ELEMENTS:
        computed, real, _ = scan(CardSpec(seeds[0], unkind=Unkind().without(name)))
        tell(f"normals without {name}", errors_deg(computed, real)[0], "deg", f"front of seed {seeds[0]}")


if __name__ == "__main__":
    main()
