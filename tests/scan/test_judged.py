"""The runner with a judge: real board process and simulated camera, at 60 dots per inch."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from station.calibrate.profile import load_profile
from station.camera.interface import CapturedFrame, Pixels
from station.documents.fault import StationError
from station.documents.judgement import Appearance, Expected, Judgement, Likeness
from station.scan import machine
from station.scan.judging.judge import StackJudge
from station.scan.runner import TakenStack

if TYPE_CHECKING:
    from conftest import Bench, Witness

PLACE_PX = 1
"""0.4 mm: the patterns of the lights are still those of the lights."""


@dataclass
class Bumped:
    """A frame of a camera that was pushed aside."""

    frame: CapturedFrame

    def __getattr__(self, name: str) -> Any:
        return getattr(self.frame, name)

    def pixels(self) -> Pixels:
        shifted: Pixels = np.roll(self.frame.pixels(), PLACE_PX, axis=1)
        return shifted


@dataclass
class Bump:
    """Pushes the camera aside from the frames under light 5 on, in the first scan only."""

    over: bool = False

    def __call__(self, frame: CapturedFrame) -> CapturedFrame:
        on = np.asarray(frame.on)  # type: ignore[attr-defined]
        late = not self.over and bool(on[:, 5:].any())
        return Bumped(frame) if late else frame


@dataclass
class Opinion:
    """A judge that says the same of every stack, or raises."""

    judgement: Judgement = field(default_factory=Judgement)
    appearance: Appearance | None = None
    error: Exception | None = None
    asked: list[Expected] = field(default_factory=list)

    def judge(self, _: TakenStack, expected: Expected) -> tuple[Judgement, Appearance | None]:
        self.asked.append(expected)
        if self.error is not None:
            raise self.error
        return self.judgement, self.appearance


def test_a_stack_that_moved_is_not_stored_and_the_retaken_one_is(make_bench: Any) -> None:
    bench: Bench = make_bench()
    bump = Bump()
    judge = StackJudge(load_profile("twin"))
    camera = bench.through(bump)
    [moved] = bench.scan(camera, judge=judge)
    bump.over = True
    [again] = bench.scan(camera, judge=judge)
    assert moved.stack is None
    failure = moved.news[-1]
    assert (failure.type, failure.code, failure.retake) == ("scan.failed", "card_moved", True)
    assert [news.step for news in moved.news if news.type == "scan.step"][-1] == "judging"
    assert again.stack is not None, again.news
    assert again.stack.stages_s.keys() == {"judge"}
    assert bench.burning() == 0


def scanned(bench: "Bench", opinion: Opinion, expected: Expected) -> "list[Witness]":
    return bench.scan(bench.camera(), judge=opinion, expected=expected)


def test_what_the_judge_knows_is_told_and_stored(make_bench: Any) -> None:
    like = Likeness(scan_id="earlier", card_id="c", side="back", distance=3, bits=1024)
    looks = Appearance(version=1, bits="00", layout="")
    opinion = Opinion(Judgement(likeness=like), looks)
    due = Expected(side="back", upright=True)
    [one] = scanned(make_bench(), opinion, due)
    assert opinion.asked == [due]
    assert machine.Tell("scan.likeness", likeness=like) in one.news
    assert one.stack is not None
    assert one.stack.appearance == looks


def test_a_judge_that_fails_fails_the_scan_with_the_reason(make_bench: Any) -> None:
    opinion = Opinion(error=StationError("stack_unusable", "nobody can make sense of it"))
    [one] = scanned(make_bench(), opinion, Expected())
    assert one.stack is None
    assert one.news[-1] == machine.Tell("scan.failed", code="stack_unusable", message=str(opinion.error))
