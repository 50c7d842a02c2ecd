"""`station withdraw`, `station keep`, `station retention`: over the daemon where one runs."""

from typing import Annotated

import typer

from ..client import StationClient
from ..config import Settings
from ..documents.fault import StationError
from ..documents.retention import DueSide, RetentionPlan
from .faces import size
from .rig_access import daemon, ended


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (withdraw, keep, retention):
        app.command()(command)


def withdraw(
    context: typer.Context,
    scan_id: Annotated[str, typer.Argument(help="the scan")],
    why: Annotated[str, typer.Option(help="the reason, which goes to the receiver too")],
) -> None:
    """Take a stored scan back: it does not count. Nothing of it is deleted."""
    if not why.strip():
        raise StationError("bad_request", "a withdrawal needs its reason: --why")
    settings = context.obj.settings
    with daemon(settings) as client:
        if client is not None:
            client.call("scan.withdraw", {"id": scan_id, "why": why})
        else:
            from ..offline import keeping  # noqa: PLC0415 - SQLAlchemy only when it is needed

            keeping.withdraw(settings, scan_id, why)
    typer.echo(f"{scan_id} is withdrawn; its pictures stay, and the receiver is told")


def keep(
    context: typer.Context,
    scan_id: Annotated[str, typer.Argument(help="the scan")],
    no: Annotated[bool, typer.Option("--no", help="leave it to the retention policy again")] = False,
) -> None:
    """Mark a stored scan so that the retention policy leaves it alone."""
    settings = context.obj.settings
    with daemon(settings) as client:
        if client is not None:
            client.call("scan.keep", {"id": scan_id, "keep": not no})
        else:
            from ..offline import keeping  # noqa: PLC0415

            keeping.keep(settings, scan_id, not no)
    typer.echo(f"{scan_id} is {'left to the retention policy' if no else 'kept'}")


def retention(
    context: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="remove now what would go")] = False,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """What the retention policy would remove now, and what it leaves alone although it is due."""
    settings = context.obj.settings
    with daemon(settings) as client:
        plan = _offline(settings, apply) if client is None else _by_daemon(client, apply)
    typer.echo(plan.model_dump_json(indent=2) if json else plan_text(plan, done=apply))
    if plan.failed:
        raise StationError("data_unwritable", f"{len(plan.failed)} sides could not be removed")


def _offline(settings: Settings, apply: bool) -> RetentionPlan:
    from ..offline import keeping  # noqa: PLC0415

    return keeping.retention(settings, apply=apply)


def _by_daemon(client: StationClient, apply: bool) -> RetentionPlan:
    if not apply:
        return RetentionPlan.model_validate(client.call("retention.plan"))
    head = client.status().seq
    begun = client.call("retention.apply")
    plan = RetentionPlan.model_validate(begun["plan"])
    end = ended(client, head, "retention.applied", begun["run_id"])
    gone = set(end["removed"])
    removed = tuple(side for side in plan.remove if side.id in gone)
    return plan.replace(remove=removed, failed=tuple(end["failed"]))


def plan_text(plan: RetentionPlan, *, done: bool) -> str:
    """The plan, or what was done of it."""
    if not plan.policy:
        return (
            f"{plan.stored} sides are stored and none is ever removed by itself; the section [retention] of "
            "station.toml changes that"
        )
    verb = "removed" if done else "would go"
    total = size(sum(side.bytes for side in plan.remove))
    lines = [
        f"policy: {plan.policy}",
        f"{len(plan.remove)} of {plan.stored} sides {verb}, {total}; {len(plan.hold)} are due and stay",
    ]
    lines += [_line(verb, side) for side in plan.remove]
    lines += [_line("stays", side) for side in plan.hold]
    return "\n".join([*lines, *plan.failed])


def _line(verb: str, side: DueSide) -> str:
    made = side.created[:19].replace("T", " ")
    return f"  {side.id}  {made}  {size(side.bytes):>9}  {verb}: {side.held or side.due}"
