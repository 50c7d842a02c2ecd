"""The board examined and ordered about by people: reports, and orders in words, on an open rig."""

from dataclasses import asdict

from ..documents.fault import StationError
from ..documents.rig import (
    BeepOrder,
    IndicatorOrder,
    LightOrder,
    LightsOrder,
    ProgrammeOrder,
    RigAnswer,
    RigError,
    RigOrder,
    RigReport,
)
from ..wire import messages as m
from .clock import BoardClock
from .interface import ExposureStep
from .programme import Programme
from .serial_rig import SerialRig
from .traffic import lights_of

NOT_MEASURED = 0xFFFF
FULL_LEVEL = 255
_MEASURED_BY_SOME = ("stack_free_bytes", "isr_latency_max_ticks")
_PLAIN: dict[str, type[m.Command]] = {
    "off": m.Off,
    "status": m.Status,
    "errors": m.Errors,
    "stats": m.Stats,
    "ping": m.Ping,
    "clear": m.Clear,
    "abort": m.Abort,
}


def report(rig: SerialRig) -> RigReport:
    """Ask the board for everything it knows of itself.

    Raises:
        StationError: what the rig says.
    """
    status, stats, errors = (rig.ask(command()) for command in (m.Status, m.Stats, m.Errors))
    if not (
        isinstance(status, m.StatusReply)
        and isinstance(stats, m.StatsReply)
        and isinstance(errors, m.ErrorsReply)
    ):
        raise StationError("rig_protocol", f"the board at {rig.info.port} gave an answer to another question")
    hello, info = rig.hello, rig.info
    return RigReport(
        port=info.port,
        board=info.board,
        simulated=info.simulated,
        firmware=info.firmware,
        protocol=f"{hello.major}.{hello.minor}",
        schema_hash=f"{hello.schema_hash:08x}",
        reset_cause=info.reset_cause,
        boot_nonce=hello.boot_nonce,
        **_limits(hello),
        clock_rate_hz=measured_rate_hz(rig.clock),
        clock_uncertainty_us=rig.clock.uncertainty_s * 1e6,
        **_state(status),
        board_counters=_board_counters(stats),
        host_counters=_host_counters(rig),
        errors_total=errors.total,
        errors=tuple(_error(entry) for entry in errors.entries),
    )


def _limits(hello: m.HelloReply) -> dict[str, int]:
    return {
        "light_count": hello.light_count,
        "button_count": hello.button_count,
        "lights_at_once": hello.lights_at_once,
        "steps_max": hello.steps_max,
        "max_on_ms": hello.max_on_max_ms,
        "lease_ms": hello.lease_ms,
        "gap_min_us": hello.gap_min_us,
        "gap_max_us": hello.gap_max_us,
        "exposure_min_us": hello.exposure_min_us,
        "ticks_hz": hello.ticks_hz,
    }


def _state(status: m.StatusReply) -> dict[str, object]:
    return {
        "state": status.state.says,
        "burning": lights_of(status.mask),
        "heat_ms": status.heat_ms,
        "heat_max_ms": m.HEAT_MAX_MS,
        "fault": "" if status.fault is m.Fault.NONE else status.fault.says,
        "card_present": bool(status.card_present),
        "buttons_held": lights_of(status.buttons),
    }


def measured_rate_hz(clock: BoardClock) -> float | None:
    """Ticks per second; None while the clock knows no better than the nominal rate."""
    rate_hz = clock.rate_hz()
    return None if rate_hz == clock.nominal_hz else rate_hz


def _board_counters(stats: m.StatsReply) -> dict[str, int | None]:
    counted: dict[str, int | None] = asdict(stats)
    for name in _MEASURED_BY_SOME:
        counted[name] = None if counted[name] == NOT_MEASURED else counted[name]
    return counted


def _host_counters(rig: SerialRig) -> dict[str, int]:
    if rig.counts is None:
        return {}
    counted = asdict(rig.counts)
    return {**counted.pop("line"), **counted}


def _error(entry: m.ErrorEntry) -> RigError:
    return RigError(
        fault=entry.fault.says, step=None if entry.step == m.NO_STEP else entry.step, ticks=entry.ticks
    )


def carry_out(rig: SerialRig, order: RigOrder) -> RigAnswer:
    """Do as a person says. What the board refuses is an answer, not an error.

    Raises:
        StationError: what the rig says, unless the board refused.
    """
    before = rig.traffic.head
    try:
        for command in commands_of(order):
            rig.ask(command)
    except StationError as error:
        answer = RigAnswer(traffic=rig.traffic.since(before), refused=str(error))
        if error.code == "rig_fault" and answer.traffic and answer.traffic[-1].name == "Refused":
            return answer
        raise
    return RigAnswer(traffic=rig.traffic.since(before))


def commands_of(order: RigOrder) -> tuple[m.Command, ...]:
    """The commands that an order takes. Lights that people light go off by themselves, without a fault."""
    match order:
        case LightOrder():
            return (m.Light(order.light, m.LightFlag.TIMED, order.max_on_ms),)
        case LightsOrder():
            mask = sum(1 << light for light in set(order.lights))
            level = max(1, round(order.percent * FULL_LEVEL / 100))
            return (m.Lights(mask, level, m.LightFlag.TIMED, order.max_on_ms),)
        case BeepOrder():
            return (m.Buzzer(order.frequency_hz, order.duration_ms),)
        case IndicatorOrder():
            pattern = m.Pattern.OFF if order.colour == "off" else m.Pattern[order.pattern.upper()]
            return (m.Indicator(pattern, m.Colour[order.colour.upper()]),)
        case ProgrammeOrder():
            return (*_programme(order).upload(), m.Arm(), m.Start())
        case _:
            return (_PLAIN[order.do](),)


def _programme(order: ProgrammeOrder) -> Programme:
    return Programme.of(
        tuple(
            ExposureStep(light, order.settle_us, order.expose_us, order.gap_us, order.trigger)
            for light in order.lights
        )
    )
