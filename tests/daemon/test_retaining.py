"""The outbox and the retention policy on a real catalogue, without the rest of a daemon."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from station.archive.catalogue import Catalogue
from station.archive.folder import ScanWriter, manifest_sha256
from station.archive.hold import folders_held
from station.archive.markers import WITHDRAWN
from station.archive.results import ResultWriter
from station.config import Settings
from station.daemon.outgoing import Outgoing
from station.daemon.retaining import Retaining
from station.documents.event import Event
from station.documents.ids import new_id
from station.documents.plan import ScanPlan
from station.documents.scan import Measurements, Provenance, ResultManifest, ScanManifest
from station.scan.journal import Journal

MADE = Provenance(
    software="s",
    firmware="1",
    board="b",
    camera="c",
    profile="p",
    profile_sha256="0" * 64,
    simulated=True,
    machine="m",
)


class Heard:
    """Events in the order in which they were published."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, event: Event, blob: bytes | None = None) -> None:  # noqa: ARG002 - the publisher's form
        self.events.append(event)

    def ids(self, kind: str) -> list[str]:
        return [event.data["id"] for event in self.events if event.type == kind]


class Archive:
    """An open catalogue with its journal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalogue = Catalogue(root).open()
        self.heard = Heard()
        self.journal = Journal(self.catalogue, self.heard, 0)

    def side(self, *, delivered: bool = True) -> Path:
        """A stored and computed side."""
        created = datetime.now(UTC)
        writer = ScanWriter(self.root, new_id(), created)
        self.catalogue.begin_scan(writer.scan_id, "card", "front", "", created, simulated=True)
        frame = writer.add_frame(None, np.zeros((4, 4), np.uint8), exposure_us=1, sequence=0, timestamp_s=0)
        manifest = ScanManifest(
            id=writer.scan_id,
            card_id="card",
            side="front",
            created=created.isoformat(),
            plan=ScanPlan(),
            provenance=MADE,
            frames=(frame,),
        )
        folder = writer.commit(manifest)
        self.catalogue.captured(manifest, folder)
        self.compute(folder)
        if delivered:
            self.catalogue.mark_sending(folder.name)
            self.catalogue.mark_delivered(folder.name, f"parcel {folder.name}-1")
        return folder

    def compute(self, folder: Path) -> None:
        result = ResultManifest(
            scan_id=folder.name,
            number=0,
            created="",
            software="s",
            profile="p",
            profile_sha256="0" * 64,
            parent_sha256=manifest_sha256(folder),
            artifacts=(),
            measurements=Measurements(),
        )
        self.catalogue.processed(ResultWriter(folder).commit(result), deliver=True)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = Archive(tmp_path / "data")
    yield made
    made.journal.close()
    made.catalogue.close()


def _retaining(archive: Archive, idle: Callable[[], bool], busy: frozenset[str] = frozenset()) -> Retaining:
    tree = {"station": {"data": archive.root}, "retention": {"keep_days": 1e-9}}
    settings = Settings.model_validate(tree)
    return Retaining(settings, archive.journal, idle, lambda: busy, lambda: "", every_s=30.0, rest_s=0.01)


async def _until(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited in vain")


async def test_it_removes_while_nothing_is_to_be_done_and_after_each_delivery(archive: Archive) -> None:
    first, waiting = archive.side(), archive.side(delivered=False)
    idle = False
    retaining = _retaining(archive, lambda: idle)
    retaining.open()
    await asyncio.sleep(0.1)
    assert first.exists()
    idle = True
    await _until(lambda: archive.heard.ids("scan.removed") == [first.name])
    await archive.journal.write(lambda catalogue: catalogue.mark_sending(waiting.name))
    await archive.journal.write(
        lambda catalogue: catalogue.mark_delivered(waiting.name, f"parcel {waiting.name}-1")
    )
    await _until(lambda: archive.heard.ids("scan.removed") == [first.name, waiting.name])
    await retaining.close()
    assert list(first.parent.iterdir()) == []


async def test_it_stops_between_two_sides_when_there_is_work(archive: Archive) -> None:
    sides = [archive.side() for _ in range(3)]
    retaining = _retaining(archive, lambda: not archive.heard.ids("scan.removed"))
    retaining.open()
    await _until(lambda: archive.heard.ids("scan.removed"))
    await asyncio.sleep(0.1)
    await retaining.close()
    assert archive.heard.ids("scan.removed") == [sides[0].name]
    assert [side.exists() for side in sides] == [False, True, True]


async def test_while_a_backup_copies_or_a_side_is_computed_nothing_is_removed(archive: Archive) -> None:
    computed, other = archive.side(), archive.side()
    retaining = _retaining(archive, lambda: True, frozenset({computed.name}))
    with folders_held(archive.root) as held:
        assert held
        begun = await retaining.apply()
        assert [side.id for side in begun.plan.remove] == [other.name]
        await _until(lambda: archive.heard.events)
    assert archive.heard.events[-1].type == "retention.applied"
    assert archive.heard.events[-1].data == {"removed": [], "failed": []}
    await retaining.apply()
    await _until(lambda: archive.heard.ids("scan.removed"))
    await _until(lambda: archive.heard.events[-1].type == "retention.applied")
    await retaining.close()
    assert (computed.exists(), other.exists()) == (True, False)


Change = Callable[[Archive, Path], None]


@pytest.mark.parametrize(
    "change",
    [
        lambda archive, folder: archive.catalogue.withdraw(folder.name, "blurred"),
        lambda archive, folder: archive.compute(folder),
    ],
)
async def test_what_comes_to_a_scan_between_the_look_at_it_and_the_offer_is_delivered_too(
    archive: Archive, change: Change
) -> None:
    folder = archive.side(delivered=False)
    outgoing = Outgoing(archive.root, archive.journal)
    first = await _sent(outgoing, lambda: change(archive, folder))
    assert archive.catalogue.scan(folder.name).delivery == "queued"
    second = await _sent(outgoing, lambda: None)
    assert archive.catalogue.scan(folder.name).delivery == "delivered"
    assert len(second) == len(first) + ("withdrawn" in second[-1])
    assert WITHDRAWN in second or "results/2/manifest.json" in second


async def _sent(outgoing: Outgoing, meanwhile: Callable[[], None]) -> list[str]:
    """One round of delivery, as the deliverer makes it; names of the files."""
    parcel = await outgoing.next()
    assert parcel is not None
    meanwhile()
    steps: list[Awaitable[None]] = [outgoing.sending(parcel.id), outgoing.delivered(parcel.id)]
    for step in steps:
        await step
    return [file.name for file in parcel.files]
