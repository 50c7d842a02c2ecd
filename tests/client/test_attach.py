"""The attach procedure without a socket: what is asked for, in which order, and what the user gets to see."""

from typing import Any

import pytest

from station.client.attach import Arrival, Call, Emit, Follower, Receive
from station.documents.event import DeviceStatus, Event, Status
from station.documents.fault import StationError
from station.documents.limits import Limits

LIMITS = Limits(page_events=2)
WELCOME = [b"welcome"]


def event(seq: int, boot: str = "b1", kind: str = "scan.step") -> Event:
    return Event(boot=boot, seq=seq, time="", mono_s=0.0, type=kind)


def frames(seq: int, boot: str = "b1", kind: str = "scan.step", blob: bytes | None = None) -> list[bytes]:
    head = [kind.encode(), event(seq, boot, kind).model_dump_json().encode()]
    return head if blob is None else [*head, blob]


class World:
    """Answers what the follower asks: messages in order, a journal, a status."""

    def __init__(self, head: int = 0, boot: str = "b1") -> None:
        self.head, self.boot, self.forgotten = head, boot, 0
        self.messages: list[Any] = []
        self.calls: list[tuple[str, Any]] = []
        self.seen: list[Any] = []

    def status(self) -> Status:
        device = DeviceStatus(state="ready")
        return Status(
            boot=self.boot,
            seq=self.head,
            version="",
            pid=1,
            state="idle",
            quiescent=True,
            simulated=False,
            rig=device,
            camera=device,
        )

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        self.calls.append((method, params.get("seq")))
        if method == "status":
            return self.status().model_dump(mode="json")
        first = max(params["seq"], self.forgotten) + 1
        numbers = range(first, self.head + 1)[: params["limit"]]
        return [event(number, self.boot).model_dump(mode="json") for number in numbers]

    def follow(self, after: int | None = None) -> list[Any]:
        """Run until the messages are used up; a number is the journal's head from then on."""
        steps = Follower(LIMITS, after).following()
        answer: Any = None
        while True:
            step = steps.send(answer)
            answer = None
            match step:
                case Receive():
                    while self.messages and isinstance(self.messages[0], int):
                        self.head = self.messages.pop(0)
                    if not self.messages:
                        return self.seen
                    answer = self.messages.pop(0)
                case Call(method, params):
                    answer = self._call(method, params)
                case Emit(item):
                    self.seen.append(
                        item.event.seq if isinstance(item, Arrival) else f"status {item.boot} {item.seq}"
                    )


def test_the_snapshot_comes_first_and_covers_what_was_before() -> None:
    world = World(head=7)
    world.messages = [WELCOME, frames(6), frames(7), 8, frames(8)]
    assert world.follow() == ["status b1 7", 8]
    assert world.calls == [("status", None)]


def test_a_gap_is_filled_from_the_journal_in_pages() -> None:
    world = World(head=1)
    world.messages = [WELCOME, 2, frames(2), 8, frames(8)]
    assert world.follow() == ["status b1 1", 2, 3, 4, 5, 6, 7, 8]
    assert world.calls[1:] == [("events.since", 2), ("events.since", 4), ("events.since", 6)]


def test_the_loss_of_the_last_event_shows_by_the_heartbeat() -> None:
    world = World(head=1)
    world.messages = [WELCOME, frames(1, kind="heartbeat"), 3, frames(3, kind="heartbeat"), frames(3)]
    assert world.follow() == ["status b1 1", 2, 3]


def test_after_tells_everything_since_then_before_the_snapshot() -> None:
    world = World(head=5)
    world.messages = [WELCOME, frames(5), 6, frames(6)]
    assert world.follow(after=2) == [3, 4, 5, "status b1 5", 6]


def test_a_new_boot_gets_its_snapshot_and_no_event_is_lost() -> None:
    class Restarted(World):
        def _call(self, method: str, params: dict[str, Any]) -> Any:
            if self.head > 4:
                self.boot = "b2"
            return super()._call(method, params)

    world = Restarted(head=4)
    world.messages = [WELCOME, 6, WELCOME, frames(7 - 1, "b2", "heartbeat"), 7, frames(7, "b2")]
    assert world.follow() == ["status b1 4", 5, 6, "status b2 6", 7]


def test_a_new_boot_shows_even_without_a_welcome() -> None:
    world = World(head=4)
    steps = Follower(LIMITS).following()
    next(steps)
    assert steps.send(WELCOME) == Call("status", {})
    assert isinstance(steps.send(world.status().model_dump()), Emit)
    steps.send(None)
    assert steps.send(frames(4, "b2", "heartbeat")) == Call("status", {})


def test_a_journal_that_begins_anew_is_followed_from_its_own_numbers() -> None:
    world = World(head=900)
    world.messages = [WELCOME, 2, WELCOME, 3, frames(3)]
    assert world.follow() == ["status b1 900", "status b1 2", 3]


def test_a_hole_that_the_journal_cannot_fill_is_followed_by_a_snapshot() -> None:
    world = World(head=1)
    world.forgotten = 6
    world.messages = [WELCOME, 8, frames(8)]
    assert world.follow() == ["status b1 1", 7, 8, "status b1 8"]


def test_an_emptied_journal_does_not_make_it_ask_for_ever() -> None:
    world = World(head=1)
    world.forgotten = 100
    world.messages = [WELCOME, 8, frames(8), frames(8, kind="heartbeat")]
    assert world.follow() == ["status b1 1", "status b1 8", 8]


def test_previews_pass_with_their_picture_and_move_nothing() -> None:
    world = World(head=3)
    steps = Follower(LIMITS).following()
    next(steps)
    steps.send(WELCOME)
    steps.send(world.status().model_dump())
    steps.send(None)
    emitted = steps.send(frames(3, kind="preview.frame", blob=b"jpeg"))
    assert isinstance(emitted, Emit)
    assert emitted.item == Arrival(event(3, kind="preview.frame"), b"jpeg")
    assert isinstance(steps.send(None), Receive)


@pytest.mark.parametrize("messages", [[], [WELCOME]])
def test_silence_is_an_absent_daemon(messages: list[Any]) -> None:
    steps = Follower(LIMITS).following()
    next(steps)
    for message in messages:
        steps.send(message)
        steps.send(World().status().model_dump())
        steps.send(None)
    with pytest.raises(StationError) as caught:
        steps.send(None)
    assert caught.value.code == "daemon_absent"


@pytest.mark.parametrize("strange", [[b"x"], [b"x", b"{}"], [b"x", b"\xff"], [b"x", b'{"v":2}']])
def test_events_of_another_language_are_an_error(strange: list[bytes]) -> None:
    world = World()
    world.messages = [WELCOME, strange]
    with pytest.raises(StationError, match="does not understand"):
        world.follow()
