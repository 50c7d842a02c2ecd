"""Each mistake gives one sentence, what to do, a non-zero exit code, and no traceback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench


def refused(bench: "Bench", code: int, *words: str) -> str:
    """Run a command that must end with this exit code; what it said."""
    answer = bench.run(*words)
    assert answer.returncode == code, answer.stdout + answer.stderr
    said = answer.stderr
    assert "Traceback" not in said
    assert said.count("what to do: ") == 1
    assert "error: " in said
    return said


def test_unknown_configuration_keys_are_all_named_with_a_suggestion(bench: "Bench") -> None:
    bench.config.write_text('[rig]\nprot = "x"\nbaud = 0\n[scn]\ndpi = 1\n')
    said = refused(bench, 2, "config", "check")
    assert "rig.prot: unknown key; did you mean `port`?" in said
    assert "rig.baud" in said
    assert "did you mean `scan`?" in said
    refused(bench, 2, "daemon")


def test_a_configuration_that_is_not_toml(bench: "Bench") -> None:
    bench.config.write_text("[rig\n")
    assert str(bench.config) in refused(bench, 2, "config", "show")


def test_a_missing_serial_device(bench: "Bench") -> None:
    bench.configure(rig={"port": "/dev/serial/by-id/no-such-board"})
    assert "/dev/serial/by-id/no-such-board" in refused(bench, 6, "daemon")


def test_a_serial_device_that_is_no_board(bench: "Bench") -> None:
    bench.configure(rig={"port": "/dev/null", "open_timeout_s": 0.5})
    refused(bench, 6, "daemon")


def test_a_missing_camera(bench: "Bench") -> None:
    bench.configure(camera={"source": "/dev/v4l/by-id/no-such-camera"})
    assert "no-such-camera" in refused(bench, 7, "daemon")


@contextmanager
def silent_stream() -> Iterator[str]:
    """A network camera that greets and then says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)
    held: list[socket.socket] = []

    def serve() -> None:
        try:
            while True:
                peer, _ = server.accept()
                held.append(peer)
                peer.sendall(
                    b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
                )
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/video.mjpg"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for peer in held:
            peer.close()


def test_a_camera_that_opens_but_gives_no_frames(bench: "Bench") -> None:
    with silent_stream() as source:
        bench.configure(camera={"source": source, "silent_after_s": 1.0})
        refused(bench, 7, "daemon")


def test_a_second_daemon_on_the_same_data(bench: "Bench") -> None:
    first = bench.start_daemon()
    assert str(bench.data) in refused(bench, 3, "daemon")
    assert first.poll() is None, "the first one is not disturbed"
    assert bench.run("status").returncode == 0


def test_a_second_trainer_on_the_same_data(bench: "Bench") -> None:
    trainer = bench.start("trainer")
    bench.wait_for("the trainer", lambda: bench.output("trainer").strip())
    refused(bench, 3, "trainer")
    assert trainer.poll() is None


def test_a_full_disk_is_said_before_a_card_is_accepted(bench: "Bench") -> None:
    bench.configure(station={"reserve_mb": 10**9})
    bench.start_daemon()
    refused(bench, 4, "scan")
    assert bench.run("show").stdout.strip() == "no scans yet"


def test_no_daemon(bench: "Bench") -> None:
    for words in (["status"], ["scan"], ["show"]):
        refused(bench, 11, *words)


def test_a_missing_profile(bench: "Bench") -> None:
    bench.configure(scan={"profile": "no-such-rig"})
    assert "no-such-rig" in refused(bench, 2, "daemon")


def test_a_data_folder_too_deep_for_a_socket(bench: "Bench") -> None:
    bench.configure(station={"data": bench.root / ("d" * 100)})
    assert "107" in refused(bench, 2, "daemon")


@pytest.mark.parametrize("words", [["scan", "--side", "edge"], ["scan", "--card", "a b"]])
def test_bad_parameters_are_named(bench: "Bench", words: list[str]) -> None:
    bench.start_daemon()
    assert words[1].removeprefix("--") in refused(bench, 12, *words)
