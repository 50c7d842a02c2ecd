"""A whole simulated bench: scene, camera and the board in its own process."""

import logging
from pathlib import Path

from ..config import TwinSettings
from ..documents.batch import SignalKind
from ..documents.boards import ChartSpec
from ..documents.calibrating import CalibrationOptions, StepName
from ..documents.fault import StationError
from ..documents.operating import Operate, Prepared
from ..documents.plan import Side
from .acts import script
from .camera import TwinCamera
from .isp import Isp
from .laying import lay
from .lightlog import LightLogReader
from .operator import Operator
from .preparing import Preparing
from .rigs import random_rig
from .running_board import RunningBoard, board_program
from .scene import Scene
from .served import Taking
from .spec import CardSpec, Unkind
from .things import Edge, Hand, Pair, Thing

log = logging.getLogger(__name__)
_NOTICED = ("status_led", "green", "red", "beeps", "buzzer_hz", "buzzer_ms")


class TwinBench:
    """What a machine without hardware uses instead: `open()` starts the board, `close()` ends it."""

    def __init__(
        self, folder: Path, settings: TwinSettings, lease_ms: int, *, triggered: bool = False
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._lease_ms = lease_ms
        self.port = folder / "board"
        self.light_log = folder / "lights"
        self._operator: Operator | None = None
        self._watched: LightLogReader | None = None
        self._heard: tuple[SignalKind, str] | None = None
        self._board = RunningBoard(self.port, self.light_log)
        drawn = settings.rig_seed
        rig = None if drawn is None else random_rig(drawn, settings.layout)
        self.scene = Scene(
            settings.seed,
            dpi=settings.dpi,
            rig=rig,
            isp=_isp(settings),
            mains_hz=settings.mains_hz,
            mains_depth=settings.mains_depth,
        )
        self._preparing: Preparing | None = None
        if settings.served:
            self._preparing = Preparing(self.scene, 1_000_000 * settings.served_mb)
        self.camera = TwinCamera(
            self.scene,
            self.light_log,
            bit_depth=settings.bit_depth,
            stale_frames=settings.stale_frames,
            seed=settings.seed,
            triggered=triggered,
        )

    def open(self) -> None:
        """Start the board and wait until it can be opened.

        Raises:
            StationError: `rig_missing`, the board's process ended at once; `toolchain_missing`, the real
                firmware is wanted and cannot be built.
        """
        program = board_program(self._settings.board, self._lease_ms)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._board.start(program)
        log.info("twin board (%s) ready at %s", self._settings.board, self.port)

    def place(
        self, seed: int, side: Side, bow_mm: float | None = None, *, turned: bool = False,
        copy_number: int = 0, sleeve: bool = False, nudge: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:  # fmt: skip
        """Put a card down; see `CardSpec`. `bow_mm` None is the twin's own choice for that seed."""
        unkind = Unkind(sleeve=sleeve)
        card = CardSpec(seed, side, bow_mm, unkind=unkind, turned=turned, copy=copy_number, nudge=nudge)
        self.place_thing(card)

    def place_pair(self, seeds: tuple[int, int], side: Side, apart: tuple[float, float, float]) -> None:
        """Put two cards down, the second so far `apart` from the middle, see `Pair`."""
        below, above = (CardSpec(seed, side) for seed in seeds)
        self.place_thing(Pair.of(below, above, apart))

    def reach_over(self, phase: float, edge: Edge = "bottom", seed: int = 0) -> None:
        """Hold a hand over what lies there, see `Hand`; phase 0 takes it away."""
        here = self.scene.current
        beneath = here.over if isinstance(here, Hand) else here
        self.place_thing(Hand(beneath, phase, edge, seed) if phase else beneath)

    def place_thing(self, thing: Thing) -> None:
        """Put down whatever there is for the twin: a card, a sheet, a printed board, a colour chart."""
        self.scene.place(thing)

    @property
    def operator(self) -> Operator | None:
        """Who puts cards down by himself; None: nobody does."""
        return self._operator

    def operate(self, task: Operate) -> None:
        """Let an operator begin; one that is there already goes. He is told the last signal."""
        self._dismiss()
        acts = script(
            task.seed,
            task.cards,
            task.order,
            first=task.first,
            pile=task.pile,
            careful=task.careful,
            distinct=task.distinct,
            mistakes=task.mistakes,
        )
        log = LightLogReader(self.light_log).open()
        self._watched = log
        operator = Operator(self.scene, acts, log.mask, pace=task.pace)
        operator.open()
        self._operator = operator
        if self._heard is not None:
            operator.hear(*self._heard)

    def hear(self, signal: SignalKind, code: str = "") -> None:
        """The station signals this to whoever operates it, with the code of its trouble."""
        self._heard = signal, code
        if self._operator is not None:
            self._operator.hear(signal, code)

    def noted(self, scan_id: str) -> None:
        """A scan was captured: whoever operates the station notes what lies there."""
        if self._operator is not None:
            self._operator.noted(scan_id)

    def prepare(
        self, seeds: tuple[int, ...], sides: tuple[Side, ...], *, exposure_us: int, gain: float,
        look_percent: float,
    ) -> None:  # fmt: skip
        """Have pictures of these cards and of the bare mat rendered beforehand, in a thread of its own.

        See `Taking` for how.

        Raises:
            StationError: `bad_request`, it is not set so, or they take too much memory; `busy`, others are
                being rendered.
        """
        if self._preparing is None:
            raise StationError("bad_request", "frames are served from memory only with `twin.served = true`")
        taking = Taking(exposure_us, gain, self._settings.bit_depth, look_percent)
        self._preparing.begin([None, *(CardSpec(seed, side) for seed in seeds for side in sides)], taking)

    def prepared(self) -> Prepared:
        """How far that is."""
        return Prepared() if self._preparing is None else self._preparing.state()

    def _dismiss(self) -> None:
        operator, self._operator = self._operator, None
        if operator is not None:
            operator.close()
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.close()

    def remove(self) -> None:
        """Take the card away."""
        self.scene.remove()

    def press(self, button: int, for_ms: int) -> None:
        """Press a button of the rig (0: the pedal) for so long; returns while it is held down.

        Raises:
            StationError: `rig_missing`, the board does not run; `bad_request`, there is no such button.
        """
        self._board.order(f"press {button} {for_ms}")

    def card_sensor(self, present: bool) -> None:
        """What the card sensor sees from now on; a card on the mat is another thing, see `place`.

        Raises:
            StationError: `rig_missing`, the board does not run.
        """
        self._board.order(f"card {int(present)}")

    def shows(self) -> dict[str, int]:
        """What eyes and ears notice of the board now.

        `status_led`, `green`, `red` (1: it shines), `beeps` so far, `buzzer_hz`, `buzzer_ms` of the last one.

        Raises:
            StationError: `rig_missing`, the board does not run.
        """
        told = dict(pair.split("=") for pair in self._board.order("state").split()[1:])
        return {name: int(told[name]) for name in _NOTICED}

    def close(self) -> None:
        """End the board; it puts its lights off first. The operator goes home."""
        self._dismiss()
        if self._preparing is not None:
            self._preparing.close()
        self._board.close()

    def lay(
        self, step: StepName, place: int, options: CalibrationOptions, chart: ChartSpec | None = None
    ) -> None:
        """Put the target of a calibration's step down, as its instruction asks for."""
        lay(self.scene, step, place, options, chart)


def _isp(settings: TwinSettings) -> Isp:
    return Isp(
        gamma=settings.gamma,
        limited_range=settings.limited_range,
        sharpen=settings.sharpen,
        denoise=settings.denoise,
        mirrored=settings.mirrored,
    )
