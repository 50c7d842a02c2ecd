"""The methods `scan.files` and `scan.file`: what is stored of a scan, for clients without its disk."""

import asyncio
from pathlib import Path
from typing import Any

from ..archive.contents import Shelf
from ..bus.method import Blob, Method
from ..documents.fault import StationError
from ..documents.requests import FilePiece, ScanFile, ScanFiles, ScanGet
from ..scan.service import ScanService

Methods = tuple[Method[Any], ...]


def file_methods(service: ScanService) -> Methods:
    """Questions only. Files are read one after the other: who fetches many holds up no other question."""
    turn = asyncio.Semaphore(1)
    shelf = Shelf()

    async def folder(scan_id: str) -> Path:
        found = (await service.get(scan_id)).folder
        if not found:
            raise StationError("not_found", f"nothing is stored of scan {scan_id}")
        return Path(found)

    async def files(params: ScanGet) -> ScanFiles:
        async with turn:
            stored = await asyncio.to_thread(shelf.files, await folder(params.id))
        return ScanFiles(id=params.id, files=stored)

    async def file(params: ScanFile) -> Blob:
        async with turn:
            where = await folder(params.id)
            piece, content = await asyncio.to_thread(
                shelf.piece, where, params.file, params.offset, params.length
            )
        return Blob(piece, content)

    return (
        Method("scan.files", files, ScanGet, ScanFiles, "Everything that is stored of a scan."),
        Method(
            "scan.file",
            file,
            ScanFile,
            FilePiece,
            "Bytes of one file of a scan; they follow the reply in a frame of their own.",
        ),
    )
