"""A line that spoils bytes both ways between the real rig and each board: what is done is what was asked."""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from station.documents.fault import StationError
from station.rig.interface import ExposureStep, StepReport
from station.rig.link import Link, SerialLink
from station.rig.serial_rig import SerialRig
from station.wire import cobs
from station.wire import messages as m
from station.wire.frame import checksum

SOAK = os.environ.get("STATION_SOAK") == "1"
PROGRAMMES = 200 if SOAK else 12
HOPELESS = 200 if SOAK else 2  # each takes seconds
BURNING = 50 if SOAK else 2  # each takes more
STEPS = 3
STEPS_OF_A_LONG_ONE = 8
LEASE_MS = 1_500
LIGHTS = 0xFF  # the bits of a log's mask that are lights
FIRMWARE = Path(__file__).parents[2] / "firmware"
FAULTS = {"rig_silent", "rig_fault", "rig_missing", "rig_protocol"}
BOARDS = ["firmware"] if SOAK else ["firmware", "software"]
pytestmark = (
    [pytest.mark.soak, pytest.mark.timeout(1_800)] if SOAK else []
)  # small in the suite, the same at full size in the soak
Record = Callable[[str, object], None]


@dataclass
class Noise:
    """Spoils each byte with the same chance; a spoilt one is any other."""

    chance: random.Random
    share: float = 0.0
    passed: int = 0
    spoilt: int = 0

    def spoil(self, data: bytes) -> bytes:
        """What arrives of it."""
        hit = [self.chance.random() < self.share for _ in data]
        self.passed += len(data)
        self.spoilt += sum(hit)
        return bytes(b ^ self.chance.randrange(1, 256) if h else b for b, h in zip(data, hit, strict=True))


class NoisyLink:
    """A `Link` that goes over such a line."""

    def __init__(self, link: Link, noise: Noise) -> None:
        self._link = link
        self._noise = noise

    def open(self) -> None:
        """See `Link`."""
        self._link.open()

    def read(self, patience_s: float) -> bytes:
        """See `Link`."""
        return self._noise.spoil(self._link.read(patience_s))

    def write(self, data: bytes) -> None:
        """See `Link`."""
        self._link.write(self._noise.spoil(data))

    def close(self) -> None:
        """See `Link`."""
        self._link.close()


def sealed(stuffed: bytes) -> bytes:
    """The frame with the checksum its content has now; what is no frame stays as it is."""
    try:
        body = cobs.decode(stuffed)
    except ValueError:
        return stuffed
    return cobs.encode(body[:-2] + checksum(body[:-2]).to_bytes(2, "big")) if len(body) > 2 else stuffed


class CredulousLink(NoisyLink):
    """Mends the checksum of whatever was spoilt: to its reader it is as if nobody compared checksums."""

    _begun = b""

    def read(self, patience_s: float) -> bytes:
        """See `Link`."""
        *whole, self._begun = (self._begun + super().read(patience_s)).split(b"\0")
        return b"".join(sealed(stuffed) + b"\0" for stuffed in whole)


class ForgetfulLink(NoisyLink):
    """Loses the first copy of every answer but a greeting."""

    _begun = b""
    _heard: tuple[int, int] = (0, 0)

    def read(self, patience_s: float) -> bytes:
        """See `Link`."""
        *whole, self._begun = (self._begun + super().read(patience_s)).split(b"\0")
        return b"".join(stuffed + b"\0" for stuffed in whole if stuffed and self._passes(stuffed))

    def _passes(self, stuffed: bytes) -> bool:
        seq, kind, *_ = cobs.decode(stuffed)
        again = (seq, kind) == self._heard
        self._heard = (seq, kind)
        return again or kind in m.EVENTS or kind == m.HelloReply.ID


@dataclass
class Tally:
    """How the programmes ended."""

    completed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    sentences: set[str] = field(default_factory=set)
    lit: int = 0


class Proof:
    """A rig on a board, programmes at random, and what burned."""

    def __init__(self, board: Any, link: type[NoisyLink], seed: int) -> None:
        self._board = board
        self._chance = random.Random(seed)
        self.noise = Noise(random.Random(seed + 1))
        self.tally = Tally()
        port = str(board.link)
        self.rig = SerialRig(
            port, m.BAUD, LEASE_MS, 10.0, lambda _: None, link=lambda *at: link(SerialLink(*at), self.noise)
        )

    def run(self, programmes: int, share: float, *, loaded: bool = False) -> Tally:
        """Each on an open rig; after a fault it is opened anew over a line that was mended.

        Loaded: the programme, a long one, is on the board already, and only its run is disturbed.
        """
        self.rig.open()
        for _ in range(programmes):
            steps = self._programme(STEPS_OF_A_LONG_ONE if loaded else STEPS)
            if loaded:
                self.rig.run(steps)
            if not self._one(steps, share):
                self.rig.open()
        return self.tally

    def _one(self, steps: tuple[ExposureStep, ...], share: float) -> bool:
        begun = self._board.lights.count()
        self.noise.share = share
        try:
            reports = self.rig.run(steps)
        except StationError as error:
            self.noise.share = 0.0
            self._check_fault(error, steps, begun)
            return False
        self.noise.share = 0.0
        asked = [1 << step.light for step in steps if step.light is not None]
        assert self._burned(begun) == asked, "every step was done exactly once"
        check_reports(reports, steps)
        self.tally.completed += 1
        self.tally.lit += len(asked)
        return True

    def _check_fault(self, error: StationError, steps: tuple[ExposureStep, ...], begun: int) -> None:
        assert error.code in FAULTS
        assert len(str(error)) > len("a sentence"), "a fault is told in words"
        self._board.wait_s(2 * sum(s.settle_us + s.expose_us + s.gap_us for s in steps) / 1e6)
        self._board.wait_dark()
        burned = self._burned(begun)
        assert burned == [1 << step.light for step in steps if step.light is not None][: len(burned)], (
            "no light burned that was not asked for, and none twice"
        )
        self.tally.faults[error.code] += 1
        self.tally.sentences.add(str(error))
        self.tally.lit += len(burned)

    def _programme(self, count: int) -> tuple[ExposureStep, ...]:
        draw = self._chance.randrange
        return tuple(
            ExposureStep(draw(8), draw(200, 1_000), draw(500, 3_000), draw(300, 2_000)) for _ in range(count)
        )

    def _burned(self, begun: int) -> list[int]:
        """The lights of each step since then. Between two steps it is dark."""
        lights = self._board.lights
        edges = [mask & LIGHTS for _, mask in islice(lights.edges_back(), lights.count() - begun)][::-1]
        return [now for before, now in zip([0, *edges], edges, strict=False) if now and now != before]


def check_reports(reports: tuple[StepReport, ...], steps: tuple[ExposureStep, ...]) -> None:
    """Each step reported as what it was: a clock of a small board is off by at most a percent."""
    assert [(r.index, r.light) for r in reports] == [(k, step.light) for k, step in enumerate(steps)]
    for report, step in zip(reports, steps, strict=True):
        assert report.exposed_from_s - report.on_s == pytest.approx(step.settle_us / 1e6, rel=0.02, abs=1e-4)
        assert report.off_s - report.exposed_from_s == pytest.approx(step.expose_us / 1e6, rel=0.02, abs=1e-4)
    for before, after in pairwise(reports):
        assert after.on_s > before.off_s


Prove = Callable[..., Proof]


@pytest.fixture
def prove() -> Iterator[Prove]:
    made: list[Proof] = []

    def make(board: Any, seed: int, link: type[NoisyLink] = NoisyLink) -> Proof:
        made.append(Proof(board, link, seed))
        return made[-1]

    yield make
    for proof in made:
        proof.noise.share = 0.0
        proof.rig.close()


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, start_firmware: Any, start_software: Any) -> Any:
    return start_firmware() if request.param == "firmware" else start_software()


def keep(record_property: Record, proof: Proof) -> None:
    """Figures for the soak."""
    tally, noise = proof.tally, proof.noise
    record_property("completed", [tally.completed, "programmes"])
    record_property("ended in a fault", [tally.faults.total(), "programmes"])
    record_property("lights burned", [tally.lit, "steps"])
    record_property("spoilt", [noise.spoilt, "bytes"])
    record_property("passed", [noise.passed, "bytes"])


def test_one_byte_in_a_hundred(prove: Prove, board: Any, record_property: Record) -> None:
    proof = prove(board, 1)
    tally = proof.run(PROGRAMMES, 0.01)
    keep(record_property, proof)
    assert proof.noise.spoilt > PROGRAMMES  # on average some four for each
    assert tally.completed >= 0.95 * PROGRAMMES, tally


def test_one_byte_in_a_thousand(prove: Prove, board: Any, record_property: Record) -> None:
    proof = prove(board, 2)
    tally = proof.run(PROGRAMMES, 0.001)
    keep(record_property, proof)
    assert tally.completed == PROGRAMMES, tally


def test_one_byte_in_ten(prove: Prove, board: Any, record_property: Record) -> None:
    """Too much: hardly a programme gets through, none of them wrong, and each of the others says why."""
    proof = prove(board, 3)
    tally = proof.run(HOPELESS, 0.1)
    keep(record_property, proof)
    assert tally.faults.total() > tally.completed, tally
    assert set(tally.faults) <= {"rig_silent", "rig_fault"}, tally


def test_one_byte_in_ten_while_it_runs(prove: Prove, start_firmware: Any, record_property: Record) -> None:
    """The lights burn, and their reports get lost: then it is said that they are lost."""
    proof = prove(start_firmware(), 5)
    tally = proof.run(BURNING, 0.1, loaded=True)
    keep(record_property, proof)
    assert tally.lit > 0, "some programmes were started"
    assert tally.faults.total() > 0, tally
    assert set(tally.faults) <= {"rig_silent", "rig_fault"}, tally


def test_a_rig_is_opened_over_a_bad_line(prove: Prove, board: Any) -> None:
    proof = prove(board, 6)
    proof.noise.share = 0.01
    for _ in range(5):
        assert proof.rig.open().light_count == 8
    assert proof.noise.spoilt > 0


def test_what_was_answered_only_when_asked_again_tells_the_time(prove: Prove, board: Any) -> None:
    proof = prove(board, 7, ForgetfulLink)
    assert proof.run(1, 0.0).completed == 1


# --- the same without checksums ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def credulous_firmware(firmware_board: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The firmware, but for the comparison of checksums on what arrives."""
    build = tmp_path_factory.mktemp("credulous")
    core = [f"core/{path.name}" for path in (FIRMWARE / "core").glob("*.c") if path.name != "frame.c"]
    make = [
        "make",
        "-s",
        "-C",
        str(FIRMWARE),
        f"BUILD={build}",
        f"CORE={' '.join(core)} fuzz/planted/frame.c",
    ]
    done = subprocess.run([*make, "all"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [firmware_board[0], "--hex", str(build / "scan-board.hex")]


def test_without_checksums_the_proof_fails(
    prove: Prove, launch: Callable[..., Any], credulous_firmware: list[str], tmp_path: Path
) -> None:
    board = launch(credulous_firmware, tmp_path)
    try:
        clean = prove(board, 4, CredulousLink)
        assert clean.run(3, 0.0).completed == 3, "on a good line nothing is missed"
        clean.rig.close()
        proof = prove(board, 1, CredulousLink)
        with pytest.raises(AssertionError):
            assert proof.run(20, 0.01).completed >= 0.95 * 20
    finally:
        board.close()
