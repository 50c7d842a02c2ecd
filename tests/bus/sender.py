"""A station's delivery as a process of its own: `sender.py ENDPOINT OUTBOX CHUNK_BYTES`.

The outbox is a folder: `<id>.json` waits and lists its files; `<id>.delivered` and `<id>.refused` are done.
Ends when nothing waits any more, and prints how many bytes it sent.
"""

import asyncio
import json
import sys
from collections.abc import Collection
from pathlib import Path

from station.bus.delivery import Deliverer
from station.bus.parcel import Parcel, SourceFile
from station.documents.limits import Limits


class FolderOutbox:
    """The durable outbox of the tests, also usable in the test's own process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.empty = asyncio.Event()
        self.log: list[str] = []

    async def next(self, but: Collection[str] = ()) -> Parcel | None:
        waiting = [path for path in sorted(self.folder.glob("*.json")) if path.stem not in but]
        if not waiting:
            if not but:
                self.empty.set()
            return None
        files = [
            SourceFile(**{**item, "path": Path(item["path"])}) for item in json.loads(waiting[0].read_text())
        ]
        return Parcel(id=waiting[0].stem, scan_id=f"scan-{waiting[0].stem}", files=tuple(files))

    async def sending(self, parcel_id: str) -> None:
        self.log.append(f"sending {parcel_id}")

    async def delivered(self, parcel_id: str) -> None:
        self.log.append(f"delivered {parcel_id}")
        (self.folder / f"{parcel_id}.json").rename(self.folder / f"{parcel_id}.delivered")

    async def refused(self, parcel_id: str, why: str) -> None:
        self.log.append(f"refused {parcel_id}: {why}")
        (self.folder / f"{parcel_id}.json").rename(self.folder / f"{parcel_id}.refused")

    async def requeued(self, parcel_id: str, why: str) -> None:
        self.log.append(f"requeued {parcel_id}: {why}")


async def main(endpoint: str, folder: str, chunk_bytes: str) -> None:
    outbox = FolderOutbox(Path(folder))
    async with Deliverer(endpoint, outbox, "bench", Limits(chunk_bytes=int(chunk_bytes))) as deliverer:
        await outbox.empty.wait()
        print(deliverer.sent_bytes, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
