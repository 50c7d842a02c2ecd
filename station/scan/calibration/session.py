"""A calibration on disk: each set of pictures is durable before it counts; it can be left at any moment."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ...documents.calibrating import (
    CalibrationOptions,
    CalibrationSession,
    CalibrationState,
    StepName,
    StepState,
    StepStatus,
    Take,
)
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from ...documents.ids import new_id
from ...share.durable import make_folders, replace_file, storing
from .steps import STEPS, Step, step_named

Arrays = Mapping[str, NDArray[Any]]
DOCUMENT = "session.json"
FOLDER = "calibrations"


class Session:
    """The folder of one calibration; every method that changes it returns when the change is durable."""

    def __init__(self, folder: Path, document: CalibrationSession) -> None:
        self.folder = folder
        self.document = document
        self.remembered: dict[tuple[str, ...], Any] = {}
        """What was computed from takes, by their hashes: a fit of seconds is asked for more than once."""

    @classmethod
    def create(
        cls, data: Path, *, software: str, exposure_us: int, options: CalibrationOptions, simulated: bool
    ) -> "Session":
        """Begin a new one in the station's data folder.

        Raises:
            StationError: `disk_full`, `data_unwritable`.
        """
        session_id = new_id()
        document = CalibrationSession(
            id=session_id,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            software=software,
            simulated=simulated,
            exposure_us=exposure_us,
            options=options,
        )
        session = cls(data / FOLDER / session_id, document)
        with storing(session.folder):
            make_folders(session.folder)
        session._save(document)
        return session

    @classmethod
    def open(cls, folder: Path) -> "Session":
        """Read one.

        Raises:
            StationError: `calibration_unreadable`.
        """
        try:
            text = (folder / DOCUMENT).read_bytes()
            return cls(folder, CalibrationSession.model_validate_json(text))
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its document is damaged"
            raise StationError("calibration_unreadable", f"{folder}: {reason}") from error

    @classmethod
    def unfinished(cls, data: Path) -> "Session | None":
        """The newest that no profile came of; None: there is none, or the newest is finished."""
        for folder in newest_first(data):
            session = cls.open(folder)
            return None if session.document.profile else session
        return None

    @property
    def options(self) -> CalibrationOptions:
        """What the person said."""
        return self.document.options

    def record(
        self, step: StepName, place: int, arrays: Arrays, *, findings: tuple[CalibrationFinding, ...] = (),
        figures: Mapping[str, float] | None = None,
    ) -> Take:  # fmt: skip
        """Keep a set of pictures; one with a severe finding is noted, and does not count.

        Raises:
            StationError: `disk_full`, `data_unwritable`.
        """
        usable = not any(finding.severe for finding in findings)
        file, digest = "", ""
        if usable:
            file, digest = self._store(f"{step}-{place:02d}", arrays)
        take = Take(
            step=step, place=place, file=file, sha256=digest, usable=usable, findings=findings,
            when=datetime.now(UTC).isoformat(timespec="seconds"), figures=dict(figures or {}),
        )  # fmt: skip
        skipped = tuple(name for name in self.document.skipped if name != step)
        self._save(self.document.replace(takes=(*self.document.takes, take), skipped=skipped))
        return take

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - fields of the document
        """Change other fields of the document."""
        self._save(self.document.replace(**changes))

    def skip(self, step: StepName) -> None:
        """Leave an optional step out.

        Raises:
            StationError: `bad_request`, the step is needed, or the one that could stand for it was left out.
        """
        chosen = step_named(step)
        if not chosen.optional:
            raise StationError("bad_request", f"the step {step} cannot be left out")
        if chosen.instead in self.document.skipped:
            raise StationError(
                "bad_request",
                f"the steps {step} and {chosen.instead} cannot both be left out: they show the lights",
                f"Take one of them: station calibrate step {chosen.instead}",
            )
        self.note(skipped=tuple(dict.fromkeys((*self.document.skipped, step))))

    def takes(self, step: StepName) -> dict[int, Take]:
        """The takes that count, by place."""
        found: dict[int, Take] = {}
        for take in self.document.takes:
            if take.step == step and take.usable:
                found[take.place] = take
        return found

    def arrays(self, take: Take) -> dict[str, NDArray[Any]]:
        """The arrays of a take.

        Raises:
            StationError: `calibration_unreadable`, the file is damaged.
        """
        path = self.folder / take.file
        hint = f"Take the step again: station calibrate step {take.step} --place {take.place}"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StationError("calibration_unreadable", f"{path}: {error.strerror}", hint) from error
        if hashlib.sha256(content).hexdigest() != take.sha256:
            raise StationError("calibration_unreadable", f"{path}: its hash is another one", hint)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}

    def state(self) -> CalibrationState:
        """Where it stands."""
        steps = tuple(self._status(step) for step in STEPS)
        todo = next((one for one in steps if one.state in ("open", "begun", "stale")), None)
        return CalibrationState(
            session=self.document.id,
            created=self.document.created,
            simulated=self.document.simulated,
            steps=steps,
            next=todo.name if todo else None,
            place=self._place(step_named(todo.name)) if todo else 0,
            profile=self.document.profile,
        )

    def _status(self, step: Step) -> StepStatus:
        taken = self._fresh(step)
        last = next((take for take in reversed(self.document.takes) if take.step == step.name), None)
        place = min(self._place(step), step.places - 1)
        words = step.title.format(number=place + 1, of=step.places)
        return StepStatus(
            name=step.name,
            title=words,
            lay=step.instruction(self.options, place),
            places=step.places,
            taken=len(taken),
            state=self._state_of(step, len(taken)),
            optional=step.optional,
            findings=last.findings if last else (),
        )

    def _state_of(self, step: Step, taken: int) -> StepState:
        if taken >= step.places:
            return "done"
        if step.name in self.document.skipped:
            return "skipped"
        if taken:
            return "begun"
        return "stale" if self.takes(step.name) else "open"

    def _place(self, step: Step) -> int:
        taken = self._fresh(step)
        return next((place for place in range(step.places) if place not in taken), step.places)

    def _fresh(self, step: Step) -> dict[int, Take]:
        """Takes that no later take of a step they build on has overtaken."""
        order = {id(take): number for number, take in enumerate(self.document.takes)}
        newest = max(
            (order[id(take)] for need in step.needs for take in self.takes(need).values()), default=-1
        )
        return {place: take for place, take in self.takes(step.name).items() if order[id(take)] > newest}

    def _store(self, name: str, arrays: Arrays) -> tuple[str, str]:
        store = io.BytesIO()
        np.savez_compressed(store, allow_pickle=False, **dict(arrays))
        content = store.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        file = f"{name}-{digest[:8]}.npz"
        with storing(self.folder / file):
            replace_file(self.folder / file, content)
        return file, digest

    def _save(self, document: CalibrationSession) -> None:
        path = self.folder / DOCUMENT
        with storing(path):
            replace_file(path, document.model_dump_json(indent=1).encode())
        self.document = document


def newest_first(data: Path) -> Iterator[Path]:
    """The folders of all calibrations."""
    root = data / FOLDER
    if root.is_dir():
        yield from sorted((path for path in root.iterdir() if (path / DOCUMENT).is_file()), reverse=True)
