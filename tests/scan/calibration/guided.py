"""A guided calibration of a twin's rig, and how near it came to the truth that only the twin knows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from station.calibrate.colours.charts import load_chart
from station.calibrate.profile import LoadedProfile, load_profile
from station.documents.calibrating import (
    CalibrationFinish,
    CalibrationOptions,
    CalibrationOutcome,
    StepName,
    Take,
)
from station.offline.truth import angles_deg
from station.scan.calibration.finishing import finish
from station.scan.calibration.procedures import take
from station.scan.calibration.session import Session
from station.scan.calibration.taking import Bench
from station.scan.pipeline import Stack, compute
from station.twin.laying import lay
from station.twin.optics import Optics
from station.twin.profile import true_profile
from station.twin.rigs import Layout, Rig, random_rig
from station.twin.scene import Scene
from station.twin.spec import CardSpec
from station.twin.truth import truth

from .scene_photographer import ScenePhotographer

START = {"ring": "ring-8", "two_rings": "rings-4-4"}
CARD_FACE_MM = 0.3


@dataclass
class Guided:
    """One rig, drawn from its seed, and the calibration of it in a data folder."""

    seed: int
    dpi: float
    data: Path
    layout: Layout = "ring"
    options: CalibrationOptions = field(default_factory=lambda: CalibrationOptions(frames=8))
    scene_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rig: Rig = random_rig(self.seed, self.layout)
        self.scene = Scene(self.seed, dpi=self.dpi, rig=self.rig, **self.scene_options)
        self.photographer = ScenePhotographer(self.scene)
        self.bench = Bench("twin", "twin", load_profile(START[self.layout]), simulated=True)
        self.session = Session.create(
            self.data, software="test", exposure_us=15_000, options=self.options, simulated=True
        )

    def lay(self, step: StepName, place: int = 0) -> None:
        lay(self.scene, step, place, self.options, load_chart(self.options.chart))

    def take(self, step: StepName, place: int = 0) -> Take:
        """Pictures of what lies there."""
        return asyncio.run(take(self.session, self.photographer, self.bench, step, place))

    def laid(self, step: StepName, place: int = 0) -> Take:
        """Lay down what the step wants, and take it."""
        self.lay(step, place)
        return self.take(step, place)

    def until(self, last: StepName | None = None) -> None:
        """All steps in the guide's order, up to the first of that name (not included)."""
        while (state := self.session.state()).next not in (None, last):
            assert state.next is not None
            taken = self.laid(state.next, state.place)
            assert taken.usable, (state.next, taken.findings)

    def finish(self, name: str = "") -> CalibrationOutcome:
        return finish(self.session, self.data, self.bench, CalibrationFinish(name=name))

    def profile(self) -> LoadedProfile:
        """What came of the whole guide."""
        self.until()
        return load_profile(self.finish().profile)

    @cached_property
    def truth(self) -> LoadedProfile:
        """The profile that knows everything."""
        return load_profile(str(true_profile(self.rig, self.dpi, self.data, "truth")))

    def direction_errors_deg(self, profile: LoadedProfile) -> np.ndarray:
        """Of the direction from the card's centre to each light, seen from the camera."""
        optics, camera = Optics(self.dpi, self.rig.lens), profile.profile.camera
        turn = np.asarray(cv2.Rodrigues(np.array(camera.rotation))[0])
        moved = np.array(camera.translation_mm)
        card = optics.rotation @ (np.array([0, 0, CARD_FACE_MM]) - optics.centre_mm)
        real = np.array([optics.rotation @ (a.position_mm - optics.centre_mm) for a in self.rig.lights])
        found = np.array([turn @ np.array(light.position_mm) + moved for light in profile.profile.lights])
        rays = [places - card for places in (real, found)]
        one, other = (ray / np.linalg.norm(ray, axis=1, keepdims=True) for ray in rays)
        return np.degrees(np.arccos(np.clip((one * other).sum(axis=1), -1, 1)))

    def card_error_deg(self, profile: LoadedProfile, spec: CardSpec) -> float:
        """Mean angle between measured and true normals of a card."""
        self.scene.wire()
        self.scene.place(spec)
        ambient, *lit = (self.scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
        maps = compute(Stack(ambient, tuple(lit), tuple(range(8)), 15_000), profile, rectified_dpi=600).maps
        real = truth(spec, maps.dpi)
        return float(angles_deg(maps.normals, real.normals)[real.mask & maps.valid].mean())

    def error_deg(self, profile: LoadedProfile, cards: Sequence[CardSpec]) -> float:
        """The same over several cards."""
        return float(np.mean([self.card_error_deg(profile, spec) for spec in cards]))
