"""`station demo`: three cards, end to end, on the digital twin, with the truth beside every figure."""

import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..client import StationClient
from ..config import Settings, as_toml
from ..documents.event import Event, Status
from ..documents.plan import Side
from ..documents.scan import ScanSummary
from ..share.firmware import built_firmware
from .faces import size
from .processes import Services
from .scanning import raise_if_failed

if TYPE_CHECKING:
    from ..offline.truth import TruthComparison

Board = Literal["software", "firmware"]
BOWED_MM = 1.5
WIDTH = 80
BOARDS = {
    "software": "a program that stands in for the firmware",
    "firmware": "its firmware as flashed, on a simulated chip",
}
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class DemoCard:
    """What is put on the mat; None leaves the bow to the twin."""

    seed: int
    side: Side
    bow_mm: float | None
    words: str


def cards_of(seed: int) -> tuple[DemoCard, ...]:
    """A front, its back, and another card bowed by 1.5 mm."""
    return (
        DemoCard(seed, "front", None, "front"),
        DemoCard(seed, "back", None, "back of the same card"),
        DemoCard(seed + 1, "front", BOWED_MM, f"front of another card, bowed by {BOWED_MM} mm"),
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    seed: Annotated[int | None, typer.Option(help="which cards; default: drawn anew each time")] = None,
    dpi: Annotated[int, typer.Option(help="what the twin's camera samples", min=150, max=1200)] = 600,
    board: Annotated[
        Board | None, typer.Option(help="firmware: the real one, in a simulator of its chip")
    ] = None,
) -> None:
    """Scan three simulated cards end to end and compare with the truth; needs no hardware."""
    _end_in_order_when_told_to()
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    settings, path = _demo_settings(context.obj.settings, chosen, dpi, board)
    if settings.twin.board == "firmware":
        built_firmware()  # what is missing for it is better said now than by the daemon
    console.print(
        "This runs on the digital twin: simulated cards, lights, camera and board;\nno hardware is touched."
    )
    console.print(
        f"seed {chosen} (the same cards again: station demo --seed {chosen})\ndata in {settings.station.data}"
    )
    with (
        Services(path, settings.station.data) as services,
        StationClient(settings.endpoint("control"), settings.endpoint("events")) as client,
    ):
        services.start("trainer")
        services.start("daemon")
        services.wait_ready(client)
        _print_board(client.status(), settings.twin.board)
        cards = cards_of(chosen)
        with _progress(len(cards)) as advance:
            scans = _Tour(client, cards, advance).run()
        _delivery(client, [scan.id for scan in scans], services)
    console.print("\nreports:")
    for scan in scans:
        console.print(f"  {scan.report}")


def _end_in_order_when_told_to() -> None:
    """By default a signal ends Python on the spot, and the services would go on without us."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _demo_settings(base: Settings, seed: int, dpi: int, board: Board | None) -> tuple[Settings, Path]:
    """Settings of a station of its own, on the twin, beside the real data, and the file they are saved in."""
    data = base.station.data / "demo"
    settings = Settings.model_validate(
        {
            "station": {"name": "demo", "data": data, "reserve_mb": base.station.reserve_mb},
            "twin": {"seed": seed, "dpi": dpi, "board": board or base.twin.board},
            "scan": {"rectified_dpi": min(600, dpi)},
        }
    )
    data.mkdir(parents=True, exist_ok=True)
    path = data / "station.toml"
    path.write_text(as_toml(settings), "utf-8")
    return settings, path


class _Tour:
    """The cards one after another: the next is put down as soon as the last may be taken away."""

    def __init__(self, client: StationClient, cards: tuple[DemoCard, ...], advance: "Advance") -> None:
        self._client = client
        self._left = list(enumerate(cards, 1))
        self._under_way: dict[str, tuple[int, DemoCard]] = {}
        self._advance = advance

    def run(self) -> list[ScanSummary]:
        """Scan them all; each is shown when its report is there.

        Raises:
            StationError: what a scan failed with.
        """
        done: list[ScanSummary] = []
        head = self._client.status().seq
        self._put_down_next()
        for event in self._client.events(after=head):
            if event.cause not in self._under_way:
                continue
            raise_if_failed(event)
            number, card = self._under_way[event.cause]
            self._advance(number, event)
            if event.type == "scan.captured":
                self._put_down_next()
            if event.type == "scan.processed":
                done.append(self._client.scan_get(event.cause))
                _print_card(done[-1], card, number)
                del self._under_way[event.cause]
            if not self._under_way:
                break
        return done

    def _put_down_next(self) -> None:
        if not self._left:
            return
        number, card = self._left.pop(0)
        self._client.call("twin.place", {"seed": card.seed, "side": card.side, "bow_mm": card.bow_mm})
        scan_id = self._client.scan_start(card.side, name=f"demo seed {card.seed} {card.words}")
        self._under_way[scan_id] = number, card


@contextmanager
def _progress(cards: int) -> Iterator["Advance"]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Advance(progress, cards)


class Advance:
    """The bar over all cards: what the events of each tell moves it on."""

    def __init__(self, progress: Progress, cards: int) -> None:
        self._progress = progress
        self._shares = [CardShare() for _ in range(cards)]
        self._task = progress.add_task(f"{cards} cards", total=cards, step="")

    def __call__(self, number: int, event: Event) -> None:
        """What has just happened to a card, counted from 1."""
        self._shares[number - 1].hear(event.type)
        step = event.data.get("step") or event.type.removeprefix("scan.")
        self._progress.update(
            self._task, completed=sum(card.done for card in self._shares), step=f"card {number}: {step}"
        )


class CardShare:
    """How much of one card is done, 0 to 1.

    How many steps a scan is told in is not known beforehand: each takes a part of what its phase has left,
    and only the end of a phase is the whole of it.
    """

    CAPTURED = 0.4
    STEP = 0.15

    def __init__(self) -> None:
        self.done = 0.0
        self._phase_end = self.CAPTURED

    def hear(self, kind: str) -> None:
        """An event of this card's scan."""
        if kind == "scan.captured":
            self.done, self._phase_end = self.CAPTURED, 1.0
        elif kind == "scan.processed":
            self.done = self._phase_end = 1.0
        else:
            self.done += self.STEP * (self._phase_end - self.done)


def _print_board(status: Status, board: Board) -> None:
    console.print(f"board in the loop: {status.rig.name}, {BOARDS[board]}\n")


def _print_card(scan: ScanSummary, card: DemoCard, number: int) -> None:
    from ..offline.truth import compare_with_truth  # noqa: PLC0415 - numpy only once the scans are there

    found = compare_with_truth(Path(scan.folder), card.seed, card.side, card.bow_mm)
    times = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in scan.stages_s.items() if seconds >= 0.05)
    console.print(
        f"[bold]card {number} of 3[/bold]: seed {card.seed}, {card.words}; {size(scan.bytes)} on disk"
    )
    console.print(fill(f"  seconds    {times}", WIDTH, subsequent_indent=" " * 13))
    console.print(f"  centering  {_centering(found)}")
    console.print(
        f"  normals    mean angular error {found.normals_mean_deg:.2f}°, "
        f"median {found.normals_median_deg:.2f}°;\n"
        f"             a constant normal (0, 0, 1) would be off by {found.flat_mean_deg:.2f}°\n"
    )


def _centering(found: "TruthComparison") -> str:
    truth = f"truth    {_ratios(found.true_left_percent, found.true_top_percent)}"
    errors = found.centering_errors_points
    if found.centering is None or errors is None:
        return f"not assessed; {truth}"
    measured = _ratios(found.centering.left_percent, found.centering.top_percent)
    return (
        f"measured {measured}\n             {truth}\n"
        f"             off by {errors[0]:.3f} and {errors[1]:.3f} points"
    )


def _ratios(left: float, top: float) -> str:
    return f"{left:.1f}/{100 - left:.1f} left/right, {top:.1f}/{100 - top:.1f} top/bottom"


def _delivery(client: StationClient, scan_ids: list[str], services: Services) -> None:
    states = services.wait_delivered(client, scan_ids)
    console.print(f"delivery to the trainer: {states.count('delivered')} of {len(states)} scans delivered")
