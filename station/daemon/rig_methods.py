"""The methods of `control` that look at the rig while a daemon owns it: `rig.*` and `calibrate.check`."""

from typing import Any

from ..bus.method import Method
from ..documents.calibration_check import CheckStarted
from ..documents.requests import NoParams
from ..documents.rig import (
    RigAnswer,
    RigAsk,
    RigLent,
    RigRelease,
    RigReport,
    RigTraffic,
    SelftestStarted,
    TrafficSince,
)
from ..scan.desk import RigDesk

Methods = tuple[Method[Any], ...]


def rig_methods(desk: RigDesk) -> Methods:
    """None of them disturbs a scan: they are refused with `busy` while one runs."""
    return (*_asking(desk), *_testing(desk), *_checking(desk), *_lending(desk))


def _asking(desk: RigDesk) -> Methods:
    async def info(_: NoParams) -> RigReport:
        return await desk.info()

    async def ask(params: RigAsk) -> RigAnswer:
        return await desk.ask(params.order)

    async def traffic(params: TrafficSince) -> list[RigTraffic]:
        return desk.traffic(params.number)

    return (
        Method("rig.info", info, NoParams, RigReport, "Who the board is and how it is."),
        Method(
            "rig.ask",
            ask,
            RigAsk,
            RigAnswer,
            "Carry out one order of a person; lights go off by themselves.",
            effect="Lights, buzzer or exposure programme, as ordered.",
        ),
        Method(
            "rig.traffic",
            traffic,
            TrafficSince,
            list[RigTraffic],
            "The newest messages on the line to the board, decoded.",
        ),
    )


def _testing(desk: RigDesk) -> Methods:
    async def selftest(_: NoParams) -> SelftestStarted:
        return SelftestStarted(test_id=await desk.start_selftest())

    return (
        Method(
            "rig.selftest",
            selftest,
            NoParams,
            SelftestStarted,
            "Light each light alone and see whether the camera sees it where the profile says.",
            effect="Lights go on and off.",
            completes="rig.tested",
        ),
    )


def _checking(desk: RigDesk) -> Methods:
    async def check(_: NoParams) -> CheckStarted:
        return CheckStarted(check_id=await desk.start_check())

    return (
        Method(
            "calibrate.check",
            check,
            NoParams,
            CheckStarted,
            "Look at the mat under each light and say whether the rig is still as it was calibrated.",
            effect="Lights go on and off.",
            completes="calibrate.checked",
        ),
    )


def _lending(desk: RigDesk) -> Methods:
    async def release(params: RigRelease) -> RigLent:
        return await desk.release(params.for_s, params.why)

    async def retake(_: NoParams) -> RigReport:
        return await desk.retake()

    return (
        Method(
            "rig.release",
            release,
            RigRelease,
            RigLent,
            "Let another program open the board's port for a while; scans are refused until `rig.retake`.",
            effect="The port is closed; it is opened again when the time is up.",
        ),
        Method(
            "rig.retake",
            retake,
            NoParams,
            RigReport,
            "Open a lent port again, and say who is there now.",
            effect="The port is opened.",
        ),
    )
