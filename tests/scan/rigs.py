"""A small rig whose profile keeps the mat, and stacks of it, whole or with something wrong."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from station.calibrate.mat.mat import reference
from station.calibrate.profile import LoadedProfile, load_profile, scaled_camera
from station.calibrate.store import save
from station.twin.optics import Lens
from station.twin.rigs import standard
from station.twin.scene import Scene

DPI = 150
Frames = tuple[Any, ...]


def scene(lens: Lens | None = None) -> Scene:
    """The standard rig, or one whose camera is another."""
    return Scene(seed=7, dpi=DPI, rig=replace(standard(), lens=lens or Lens()))


def frames(place: Scene, sequence: int, shares: Sequence[float] = (1.0,) * 8, dark: float = 0.0) -> Frames:
    """The ambient picture, then one under each light; `dark`: what every light leaves when it is off."""
    on = (np.full(8, dark), *(np.eye(8)[light] * shares[light] + dark for light in range(8)))
    return tuple(place.render(one, sequence=sequence + number) for number, one in enumerate(on))


def with_mat(folder: Path) -> LoadedProfile:
    """The twin's profile for pictures of this size, with the mat as an undisturbed rig shows it."""
    twin, bare = load_profile("twin"), scene()
    looks = []
    for number in range(4):
        dark, *lit = (one.astype(np.float32).mean(2) for one in frames(bare, 10_000 + 20 * number))
        looks.append(np.stack(lit) - dark)
    seen = np.mean(looks, axis=0)
    camera = scaled_camera(twin.profile.camera, *seen.shape[:0:-1])
    found = reference(seen, camera)
    assert found is not None
    document = twin.profile.replace(name="with-mat", camera=camera, mat=True)
    arrays = {"flat": twin.flat, "mat": found[0], "mat_px": found[1]}
    return load_profile(str(save(folder, document, arrays)))
