"""A client that scans for ever and notes, durably, each scan acknowledged to it. It may be killed."""

import os
import sys
import time
from pathlib import Path

from station.client import StationClient
from station.config import load
from station.documents.fault import StationError
from station.documents.ids import new_id


def scan_once(client: StationClient) -> str:
    """One side; its identity, once it is captured."""
    head = client.status().seq
    scan_id = client.scan_start("front", idempotency_key=new_id())
    for event in client.events(after=head):
        if event.cause == scan_id and event.type == "scan.captured":
            return scan_id
        if event.cause == scan_id and event.type in ("scan.failed", "scan.interrupted"):
            break
    return ""


def main(config: Path, notes: Path) -> None:
    with notes.open("a") as file:
        while True:
            try:
                with StationClient.from_settings(load(config)) as client:
                    while True:
                        scan_id = scan_once(client)
                        if scan_id:
                            file.write(f"{scan_id}\n")
                            file.flush()
                            os.fsync(file.fileno())
            except StationError:  # the daemon is away, or another client's scan still runs
                time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
