"""The operator at work: plays his script before a scene, driven by nothing but the station's signals."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..documents.batch import SignalKind
from ..documents.operating import Deed, Diary, DiaryEntry, Mistake
from .acts import Act
from .chance import stream
from .mind import Laid, Mind, Move, Reaction, react, withdraw
from .scene import Scene
from .spec import CardSpec, Unkind
from .things import Edge, Hand, Lying, Pair, Thing

BARE_S = 0.2
"""For so long is the mat free between, however quick he is, where nothing else would show what he did."""
PAIR_MM, PAIR_DEG = (8.0, 18.0), 8.0
"""How far a second card sticks out, and how far it is turned at most."""
HELD_S = (4.0, 8.0)
"""For how long he forgets his hand in the picture, where no signal reminds him."""
PATIENCE_S = 10.0
GLANCE_S = 0.004
"""For how long, and how often, he looks for the lights of a scan that he is going to disturb."""
REACHING = (0.4, 0.75, 1.0)
LEAVING = (0.75, 0.4)
EDGES: tuple[Edge, ...] = ("bottom", "bottom", "right", "left")


@dataclass(frozen=True, slots=True)
class _Heard:
    signal: SignalKind
    code: str


class Operator:
    """Hands in a thread of their own. `open()` clears the mat and begins; `close()` ends.

    Args:
        scene: on whose mat he puts the cards; nobody else should meanwhile.
        acts: his script.
        glance: which lights he sees burn, one bit each; a scan is told by lights that burn alone.
        pace: stretches all his times; 0: he takes none.
        unkind: what his cards suffer, sleeves apart.
    """

    def __init__(
        self, scene: Scene, acts: tuple[Act, ...], glance: Callable[[], int], *, pace: float = 1.0,
        unkind: Unkind | None = None,
    ) -> None:  # fmt: skip
        self._scene = scene
        self._glance = glance
        self._pace = pace
        self._unkind = Unkind() if unkind is None else unkind
        self._mind = Mind(acts)
        self._last: _Heard | None = None
        self._signals: queue.SimpleQueue[_Heard | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._entries: list[DiaryEntry] = []
        self._there: tuple[Laid | None, bool] = None, False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Clear the mat and wait for the first signal."""
        self._scene.remove()
        self._thread = threading.Thread(target=self._run, name="twin operator")
        self._thread.start()

    def close(self) -> None:
        """End, wherever he is."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing.set()
            self._signals.put(None)
            thread.join()

    def hear(self, signal: SignalKind, code: str = "") -> None:
        """What the station signals now, with the code of its trouble; repeated, it is no news."""
        heard = _Heard(signal, code if signal == "wrong" else "")
        if heard != self._last:
            self._last = heard
            self._signals.put(heard)

    def noted(self, scan_id: str) -> None:
        """A scan was captured: note in the diary what lies there now."""
        with self._lock:
            self._write("scanned", *self._there, scan_id=scan_id)

    def diary(self, since: int = 0, limit: int = 1_000) -> Diary:
        """What he has done so far."""
        with self._lock:
            acts, entries = self._mind.acts, tuple(self._entries)
            done = self._mind.done
        return Diary(
            done=done,
            sides=sum(not act.spare for act in acts),
            planted=_counted(act.mistake for act in acts),
            made=_counted(entry.mistake for entry in entries),
            entries=entries[since : since + limit],
            total=len(entries),
        )

    def _run(self) -> None:
        held_until: float | None = None
        while not self._closing.is_set():
            heard: _Heard | None = None
            wait_s = None if held_until is None else max(0.0, held_until - time.monotonic())
            try:
                heard = self._signals.get(timeout=wait_s)
            except queue.Empty:
                self._act(withdraw(self._mind), "", "")
            else:
                if heard is not None:
                    self._act(react(self._mind, heard.signal, heard.code), heard.signal, heard.code)
            if not self._mind.hand:
                held_until = None
            elif held_until is None:
                held_until = time.monotonic() + self._forgets_s()

    def _forgets_s(self) -> float:
        share = float(stream(self._mind.act.seed, "forgets").uniform())
        return HELD_S[0] + share * (HELD_S[1] - HELD_S[0])

    def _act(self, reaction: Reaction, signal: str, code: str) -> None:
        mind, moves = reaction
        for move in moves:
            if move.did == "jostle" and not self._bumps(move.lights):
                mind = replace(mind, laid=self._there[0])
                continue
            self._move(move, signal, code)
        with self._lock:
            self._mind = mind

    def _bumps(self, lights: int) -> bool:
        """Wait for the middle of the scan, when so many lights have burned alone; whether there was one."""
        seen, until = set[int](), time.monotonic() + PATIENCE_S
        while self._signals.empty() and not self._closing.is_set() and time.monotonic() < until:
            burning = self._glance()
            if burning.bit_count() == 1:
                seen.add(burning)
            if len(seen) >= lights:
                return True
            self._closing.wait(GLANCE_S)
        return False

    def _move(self, move: Move, signal: str, code: str) -> None:
        before, _ = self._there
        hand = _Way(self._scene.seed + len(self._entries))

        def change() -> None:
            with self._lock:
                self._there = move.laid, move.stays
                self._scene.place(hand.over(self._thing(move.laid), 1.0 if seen or move.stays else 0.0))
                self._write(move.did, move.laid, move.stays, move.mistake, signal, code)

        jostled = move.did == "jostle"
        step_s = 0.0 if jostled else self._pace * move.move_s / (len(REACHING) + len(LEAVING) + 1)
        seen = step_s > 0
        if not jostled:
            self._closing.wait(self._pace * move.pause_s)
            self._reach(hand, REACHING if seen and move.did != "hand_away" else (), before, step_s)
            if move.did != "hand_away" and (seen or move.bare):
                self._scene.place(hand.over(None, 0.75 if seen else 0.0))
                self._closing.wait(max(step_s, BARE_S if move.bare else 0.0))
        change()
        if not move.stays:
            self._closing.wait(step_s)
            self._reach(hand, (*LEAVING, 0.0) if seen else (), move.laid, step_s)

    def _reach(self, hand: "_Way", phases: tuple[float, ...], laid: Laid | None, step_s: float) -> None:
        for phase in phases:
            self._scene.place(hand.over(self._thing(laid), phase))
            if phase:
                self._closing.wait(step_s)

    def _thing(self, laid: Laid | None) -> Lying:
        if laid is None:
            return None
        unkind = replace(self._unkind, sleeve=laid.sleeve)
        card = CardSpec(
            laid.seed, laid.side, unkind=unkind, turned=laid.turned, copy=laid.copy, nudge=laid.nudge
        )
        if laid.also is None:
            return card
        rng = stream(laid.seed, "stuck")
        x, y = rng.choice((-1, 1), 2) * rng.uniform(*PAIR_MM, 2)
        apart = float(x), float(y), float(rng.uniform(-PAIR_DEG, PAIR_DEG))
        return Pair.of(card, CardSpec(laid.also, laid.side, unkind=self._unkind), apart)

    def _write(
        self, did: Deed, laid: Laid | None, hand: bool, mistake: Mistake | None = None, signal: str = "",
        code: str = "", scan_id: str = "",
    ) -> None:  # fmt: skip
        entry = DiaryEntry(
            at_s=time.monotonic(),
            did=did,
            hand=hand,
            mistake=mistake,
            signal=signal,
            code=code,
            scan_id=scan_id,
        )
        if laid is not None:
            entry = entry.replace(
                seed=laid.seed,
                copy_number=laid.copy,
                side=laid.side,
                turned=laid.turned,
                sleeve=laid.sleeve,
                also=laid.also,
                spare=laid.spare,
            )
        self._entries.append(entry)


class _Way:
    """The way on which one movement's hand comes and goes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._edge: Edge = EDGES[int(stream(seed, "edge").integers(len(EDGES)))]

    def over(self, laid: Lying, phase: float) -> Thing:
        return Hand(laid, phase, self._edge, self._seed) if phase else laid


def _counted(mistakes: Iterable[Mistake | None]) -> dict[Mistake, int]:
    return dict(Counter(mistake for mistake in mistakes if mistake))
