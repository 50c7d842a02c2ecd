"""Prometheus text on the loopback interface, for whoever asked for it with `metrics.*_port`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ..documents.fault import StationError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of now. `labels` tell several of one name apart; None as the value: not known, left out."""

    name: str
    says: str
    value: float | None
    kind: Literal["gauge", "counter"] = "gauge"
    labels: tuple[tuple[str, str], ...] = ()


@contextmanager
def serving_metrics(port: int, read: Callable[[], Iterable[Metric]]) -> Iterator[int]:
    """Answer `GET /metrics` while the block runs; the port, 0 where none is wanted.

    `read` is called on the server's thread at each request and must only look at what lies ready.

    Raises:
        StationError: `endpoint_invalid`, the port cannot be bound.
    """
    if port == 0:
        yield 0
        return
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415 - opt-in
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    families = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}

    class Now(Collector):
        def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
            made: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
            for one in read():
                if one.value is not None:
                    names = [name for name, _ in one.labels]
                    family = made.setdefault(
                        one.name, families[one.kind](f"station_{one.name}", one.says, labels=names)
                    )
                    family.add_metric([label for _, label in one.labels], one.value)
            yield from made.values()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Now())
    try:
        server, thread = start_http_server(port, addr=LOOPBACK, registry=registry)
    except OSError as error:
        raise StationError(
            "endpoint_invalid", f"metrics cannot be served on {LOOPBACK}:{port}: {error.strerror}"
        ) from error
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
