"""A batch played by the scripted operator of the twin, and his diary held against what the station has."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station.archive.folder import read_manifest
from station.client import StationClient
from station.documents.batch import BatchState
from station.documents.event import Event
from station.documents.operating import DiaryEntry
from station.documents.scan import ScanSummary

if TYPE_CHECKING:
    from conftest import Bench

FRAME_S = 0.04
"""From the beginning of a frame's exposure to its stamp, with room to spare."""

LATE_S = 0.15
"""By how much the simulated camera may look later than its stamp says, on a machine that is busy."""

NOTICED_AS: dict[str, set[str]] = {
    "wrong_side": {"wrong_side"},
    "not_turned": {"wrong_side"},
    "same_again": {"card_again", "card_known"},
    "again_later": {"card_known", "card_again"},
    "jostle": {"card_moved", "frames_mismatched", "picture_blurred"},
    "hand": {"card_moved", "card_not_found", "two_cards", "wrong_side"},
    "sleeve": {"card_glare"},
    "two_cards": {"two_cards", "card_not_found"},
    "upside_down": {"card_upside_down"},
}
"""Codes that tell the operator truthfully what is wrong, by his mistake."""


@dataclass(frozen=True)
class Played:
    """What came of a batch: its last state, its scans, the operator's diary, what was noticed and when."""

    state: BatchState
    scans: tuple[ScanSummary, ...]
    diary: tuple[DiaryEntry, ...]
    noticed: tuple[Event, ...]
    made: dict[str, int]
    exposed_s: dict[str, tuple[float, float]]

    def harmless(self, entry: DiaryEntry, scan_id: str) -> bool:
        """Whether a bump came before the first lit frame or after the last one was exposed."""
        first_s, last_s = self.exposed_s.get(scan_id, (0.0, float("inf")))
        return entry.mistake == "jostle" and not first_s + LATE_S < entry.at_s < last_s - FRAME_S

    def missed(self) -> list[str]:
        """Mistakes after which nothing fitting was noticed before the operator mended them."""
        found = []
        for number, entry in enumerate(self.diary):
            if entry.mistake is None:
                continue
            scanned = next((later for later in self.diary[number + 1 :] if later.did == "scanned"), None)
            until = float("inf") if scanned is None else scanned.at_s
            if scanned is not None and self.harmless(entry, scanned.scan_id):
                continue
            codes = {
                event.data["code"] for event in self.noticed if entry.at_s <= event.mono_s <= until + 0.5
            }
            if not codes & NOTICED_AS[entry.mistake]:
                found.append(
                    f"{entry.mistake} of {entry.side} {entry.seed} at {entry.at_s:.1f}: {codes or 'nothing'}"
                )
        return found

    def false_alarms(self) -> int:
        """Refusals that no mistake explains."""
        return sum(self.state.noticed.values()) - sum(
            1
            for event in self.noticed
            for entry in [self._doing(event)]
            if entry is not None
            and (entry.mistake or entry.hand or entry.spare or entry.sleeve or entry.also)
        )

    def _doing(self, event: Event) -> DiaryEntry | None:
        before = [entry for entry in self.diary if entry.at_s <= event.mono_s and entry.did != "scanned"]
        return before[-1] if before else None


def play(bench: "Bench", cards: int, order: str, mistakes: dict[str, float], **more: Any) -> Played:
    """A whole batch, without any input but the operator's hands."""
    script = {"seed": 1, "pace": 0.3, "careful": 5, "pile": 0, **more}
    with bench.client() as client:
        head = client.status().seq
        begin = {"order": order, "cards": cards, "pile": script["pile"]}
        batch = BatchState.model_validate(client.call("batch.begin", begin))
        client.call("twin.operate", {"cards": cards, "order": order, "mistakes": mistakes, **script})
        noticed = []
        for event in client.events(after=head):
            if event.type == "batch.noticed":
                noticed.append(event)
            if event.type == "batch.finished":
                break
        state = BatchState.model_validate(event.data)
        scans = tuple(one for one in _all_scans(client) if one.batch == batch.id)
        diary, made = _diary(client)
    exposed_s = {scan.id: _lit(Path(scan.folder)) for scan in scans}
    return Played(state, scans, diary, tuple(noticed), made, exposed_s)


def _lit(folder: Path) -> tuple[float, float]:
    """When the first and the last lit frame of a scan were stamped, on the monotonic clock."""
    stamps = [frame.timestamp_s for frame in read_manifest(folder).frames if frame.light is not None]
    return min(stamps), max(stamps)


def _all_scans(client: StationClient) -> list[ScanSummary]:
    return [scan for scan in client.scan_list(1_000) if scan.folder]


def _diary(client: StationClient) -> tuple[tuple[DiaryEntry, ...], dict[str, int]]:
    entries: list[DiaryEntry] = []
    while True:
        page = client.call("twin.diary", {"since": len(entries), "limit": 1_000})
        entries += [DiaryEntry.model_validate(entry) for entry in page["entries"]]
        if len(entries) >= page["total"]:
            return tuple(entries), page["made"]


def assert_every_card_once(played: Played, cards: int) -> None:
    """Each side of each card is stored once, as what it is, lying well, in its pair."""
    lay = {entry.scan_id: entry for entry in played.diary if entry.did == "scanned"}
    assert set(lay) == {scan.id for scan in played.scans}
    assert {scan.id: scan.side for scan in played.scans} == {
        scan_id: one.side for scan_id, one in lay.items()
    }
    sides = Counter((entry.seed, entry.side) for entry in lay.values())
    wanted = {(seed, side) for seed in range(1, cards + 1) for side in ("front", "back")}
    assert set(sides) == wanted
    assert set(sides.values()) == {1}
    assert not [one for one in lay.values() if one.turned or one.sleeve or one.also is not None or one.hand]
    pairs: dict[str, set[int | None]] = {}
    for scan in played.scans:
        pairs.setdefault(scan.card_id, set()).add(lay[scan.id].seed)
    assert all(len(seeds) == 1 for seeds in pairs.values()), "a front was paired with another card's back"
    assert len(pairs) == cards
