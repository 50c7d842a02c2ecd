"""The methods `batch.*` of `control`: hands-free scanning, begun, watched and steered."""

from typing import Any

from ..bus.method import Method
from ..documents.batch import BatchBegin, BatchState
from ..documents.requests import NoParams
from ..scan.batch.events import Event, Finish, Pause, Pedal, Resume, Turn, Undo
from ..scan.batch.runner import BatchRunner

Methods = tuple[Method[Any], ...]


def batch_methods(batches: BatchRunner) -> Methods:
    """Every answer is the batch's state; `batch.phase` tells each change of it."""

    async def begin(params: BatchBegin) -> BatchState:
        return await batches.begin(params)

    async def state(_: NoParams) -> BatchState:
        return batches.state()

    return (
        Method(
            "batch.begin",
            begin,
            BatchBegin,
            BatchState,
            "Scan card after card by what the live picture shows, until `batch.finish` or the last card.",
            effect="Lights burn, dimmed, while the mat is watched; each card that lies still is scanned.",
            completes="batch.finished",
        ),
        Method("batch.state", state, NoParams, BatchState, "Where the batch stands."),
        _asking(batches, "pause", Pause(), "Have a break; a scan that runs is finished first."),
        _asking(batches, "resume", Resume(), "Go on after a break, at the same card."),
        _asking(batches, "undo", Undo(), "Take the newest side back; it is kept and marked as withdrawn."),
        _asking(batches, "turn", Turn(), "The pile of fronts is complete: their backs come now."),
        _asking(batches, "go", Pedal(), "What the pedal does: scan what lies there, or try again."),
        _asking(
            batches, "finish", Finish(), "End the batch; a scan that runs still counts.", "batch.finished"
        ),
    )


def _asking(
    batches: BatchRunner, name: str, event: Event, summary: str, completes: str = "immediately"
) -> Method[NoParams]:
    async def ask(_: NoParams) -> BatchState:
        return await batches.ask(event)

    return Method(
        f"batch.{name}",
        ask,
        NoParams,
        BatchState,
        summary,
        effect="The batch's phase.",
        completes=completes,
    )
