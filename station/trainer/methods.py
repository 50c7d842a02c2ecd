"""The methods of `trainer_control`, each with what it takes, gives and changes."""

import asyncio
from collections.abc import Callable
from typing import Any

from ..bus.method import Method
from ..documents.event import Event
from ..documents.requests import EventsSince, NoParams
from ..documents.trainer import IntakePage, ParcelPage, RefusalPage, TrainerStatus
from ..training.intake_store import FileIntakeStore

Methods = tuple[Method[Any], ...]


def trainer_methods(store: FileIntakeStore, in_hand: Callable[[], int]) -> Methods:
    """What every trainer serves; `in_hand` tells how many parcels are under way."""

    async def status(_: NoParams) -> TrainerStatus:
        count = in_hand()
        return await asyncio.to_thread(lambda: store.status(count))

    async def since(params: EventsSince) -> list[Event]:
        return await asyncio.to_thread(lambda: store.events_since(params.seq, params.limit))

    async def parcels(params: IntakePage) -> ParcelPage:
        return await asyncio.to_thread(lambda: store.parcel_page(params))

    async def refusals(params: IntakePage) -> RefusalPage:
        return await asyncio.to_thread(lambda: store.refusal_page(params))

    return (
        Method("status", status, NoParams, TrainerStatus, "What is going on, in one atomic document."),
        Method("events.since", since, EventsSince, list[Event], "Events of the journal after a number."),
        Method("intake.parcels", parcels, IntakePage, ParcelPage, "What was received, the newest first."),
        Method("intake.refusals", refusals, IntakePage, RefusalPage, "What was refused, and why."),
    )
