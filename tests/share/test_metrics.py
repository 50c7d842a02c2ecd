"""Metrics on a real port of the loopback interface, and none where none are asked for."""

import socket
import urllib.request

import pytest

from station.documents.fault import StationError
from station.share.metrics import Metric, serving_metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_is_known_now_is_told_as_prometheus_reads_it() -> None:
    sides = [1.0]

    def read() -> list[Metric]:
        return [
            Metric("sides", "Sides stored.", sides[0], "counter"),
            Metric("device_ready", "1: it answers.", 1, labels=(("device", "rig"),)),
            Metric("device_ready", "1: it answers.", 0, labels=(("device", "camera"),)),
            Metric("room_sides", "Sides that fit.", None),
        ]

    with serving_metrics(free_port(), read) as port:
        sides[0] = 7.0
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    lines = text.splitlines()
    assert "station_sides_total 7.0" in lines
    assert 'station_device_ready{device="rig"} 1.0' in lines
    assert 'station_device_ready{device="camera"} 0.0' in lines
    assert "# TYPE station_sides_total counter" in lines
    assert "room_sides" not in text, "what is not known is not made up"


def test_no_port_no_server() -> None:
    with serving_metrics(0, list) as port:
        assert port == 0


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with (
            pytest.raises(StationError, match="cannot be served"),
            serving_metrics(other.getsockname()[1], list),
        ):
            pass
