"""Who brings lost devices back, without devices."""

import asyncio

from station.documents.fault import StationError
from station.scan.keeper import Keeper


async def test_a_device_that_is_lost_anew_while_its_return_is_told_is_brought_back_again() -> None:
    tried: list[str] = []
    told: list[str] = []
    telling, go_on, twice = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reopen() -> None:
        tried.append("rig")
        if len(tried) == 1:
            raise StationError("rig_missing", "not yet")

    async def back(device: str) -> None:
        told.append(device)
        telling.set()
        if len(told) == 2:
            twice.set()
        await go_on.wait()

    keeper = Keeper({"rig": reopen}, back, None)
    try:
        keeper.lost("rig")
        await telling.wait()
        keeper.lost("rig")
        go_on.set()
        async with asyncio.timeout(30):
            await twice.wait()
        assert (len(tried), told) == (3, ["rig", "rig"])
    finally:
        await keeper.close()
