"""Streams from a real local server, recordings from real files, and sources that are not there."""

import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.interface import CameraMode
from station.camera.opencv_camera import OpenCvCamera
from station.documents.fault import StationError

HEADER = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n"
WIDTH, HEIGHT = 64, 48


def part(picture: NDArray[np.uint8]) -> bytes:
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    return b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


def grey(value: int) -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


class MjpegServer:
    """One client; sends what `send` is given; `hang_up` ends the connection, `close` everything."""

    def __init__(self, answer: bytes = HEADER) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self._answer = answer
        self._connected = threading.Event()
        self._client: socket.socket | None = None
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/cam.mjpg"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        client.recv(4096)
        client.sendall(self._answer)
        self._client = client
        self._connected.set()

    def send(self, *values: int) -> None:
        assert self._connected.wait(20)
        assert self._client is not None
        for value in values:
            self._client.sendall(part(grey(value)))

    def hang_up(self) -> None:
        assert self._connected.wait(20)
        assert self._client is not None
        self._client.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if self._client is not None:
            self._client.close()


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    running = MjpegServer()
    yield running
    running.close()


@pytest.fixture
def sending(server: MjpegServer) -> Iterator[Callable[..., None]]:
    """Sends from a thread of its own, because opening a stream waits for its first frames."""
    threads: list[threading.Thread] = []

    def begin(*values: int) -> None:
        threads.append(threading.Thread(target=server.send, args=values))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join()


def camera_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("camera ")]


def failure(call: Callable[[], object]) -> StationError:
    with pytest.raises(StationError) as caught:
        call()
    return caught.value


def test_a_stream_gives_frames_in_order(server: MjpegServer, sending: Callable[..., None]) -> None:
    camera = OpenCvCamera(server.url, silent_after_s=20)
    sending(*range(0, 250, 25))
    info = camera.open()
    assert (info.bit_depth, info.simulated, info.source) == (8, False, server.url)
    frames = list(islice(camera.frames(), 3))
    pixels = [frame.pixels() for frame in frames]
    assert all(one.shape == (HEIGHT, WIDTH, 3) and one.dtype == np.uint8 for one in pixels)
    assert sorted({int(one.mean()) for one in pixels}) == [int(one.mean()) for one in pixels]
    assert [frame.sequence for frame in frames] == sorted({frame.sequence for frame in frames})
    assert [frame.timestamp_s for frame in frames] == sorted({frame.timestamp_s for frame in frames})
    server.hang_up()  # else closing would wait for the stream
    camera.close()
    assert camera_threads() == []


def test_after_a_pause_the_newest_frames_come(server: MjpegServer, sending: Callable[..., None]) -> None:
    camera = OpenCvCamera(server.url, silent_after_s=20)
    sending(*([10] * 60), *([200] * 8))
    camera.open()
    for frame in camera.frames():
        if frame.pixels().mean() > 190:
            break
    assert frame.sequence > 60
    server.send(*([90] * 8))
    latest = next(one for one in camera.frames() if one.pixels().mean() < 100)
    assert latest.sequence > frame.sequence
    camera.close()


def test_a_stream_that_goes_silent(server: MjpegServer, sending: Callable[..., None]) -> None:
    camera = OpenCvCamera(server.url, silent_after_s=0.5)
    sending(*range(10))
    camera.open()
    error = failure(lambda: list(camera.frames()))
    assert error.code == "camera_silent"
    assert "0.5 s" in str(error)
    camera.close()
    assert camera_threads() == []


def test_a_stream_that_ends(server: MjpegServer, sending: Callable[..., None]) -> None:
    camera = OpenCvCamera(server.url, silent_after_s=20)
    sending(*range(10))
    camera.open()
    server.hang_up()
    assert failure(lambda: list(camera.frames())).code == "camera_missing"
    assert failure(lambda: list(camera.frames())).code == "camera_missing"
    camera.close()


def test_a_server_that_never_answers() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    camera = OpenCvCamera(f"http://127.0.0.1:{listener.getsockname()[1]}/", silent_after_s=0.4)
    assert failure(camera.open).code == "camera_silent"
    listener.close()
    assert camera_threads() == []


def test_a_server_that_sends_no_video() -> None:
    server = MjpegServer(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert failure(OpenCvCamera(server.url, silent_after_s=20).open).code == "camera_missing"
    server.close()


@pytest.mark.parametrize(
    "source",
    [
        *("/dev/video97", "97", "/dev/null", "no/such/file.mkv", "no/such/f_%03d.png"),
        *("http://127.0.0.1:9/", "nonsense://somewhere/", "rtsp://127.0.0.1:9/"),
    ],
)
def test_nothing_at_the_path(source: str) -> None:
    error = failure(OpenCvCamera(source, silent_after_s=5).open)
    assert error.code == "camera_missing"
    assert source in str(error)


@pytest.mark.parametrize("content", [b"", b"nothing to see", bytes(range(256)) * 40])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.mkv"
    file.write_bytes(content)
    error = failure(OpenCvCamera(str(file)).open)
    assert (error.code, str(error)) == ("camera_missing", f"{file} holds no video that can be read")
    folder = failure(OpenCvCamera(str(tmp_path)).open)
    assert (folder.code, str(folder)) == ("camera_missing", f"{tmp_path} holds no video that can be read")


def test_a_recording_that_was_cut_off(tmp_path: Path) -> None:
    """What is whole of it is given out, then it has ended."""
    file = Path(recorded(tmp_path / "cut.mkv", [grey(10 * k) for k in range(20)]))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    camera = OpenCvCamera(str(file))
    camera.open()
    seen: list[int] = []
    ended = failure(lambda: seen.extend(int(frame.pixels().mean()) for frame in camera.frames()))
    assert ended.code == "camera_missing"
    assert "has no more frames" in str(ended)
    assert 0 < len(seen) < 20
    assert seen == [10 * k for k in range(len(seen))]
    camera.close()


def test_before_open_and_after_close_there_is_no_camera(server: MjpegServer) -> None:
    camera = OpenCvCamera(server.url)
    assert failure(lambda: next(camera.frames())).code == "camera_missing"
    assert failure(lambda: camera.configure(CameraMode(0, 0, 0, 1.0))).code == "camera_missing"
    camera.close()


def recorded(path: Path, frames: list[NDArray[np.uint8]] | list[NDArray[np.uint16]]) -> str:
    first = frames[0]
    settings = [cv2.VIDEOWRITER_PROP_IS_COLOR, int(first.ndim == 3)]
    if first.dtype == np.uint16:
        settings += [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U]
    size = (first.shape[1], first.shape[0])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 25.0, size, settings)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return str(path)


def test_every_frame_of_a_recording_once(tmp_path: Path) -> None:
    frames = [np.full((HEIGHT, WIDTH, 3), (10, 20, 30 + k), np.uint8) for k in range(12)]
    camera = OpenCvCamera(recorded(tmp_path / "colour.mkv", frames))
    camera.open()
    seen = [frame.pixels()[0, 0].tolist() for frame in islice(camera.frames(), 12)]
    assert seen == [[30 + k, 20, 10] for k in range(12)]
    assert failure(lambda: next(camera.frames())).code == "camera_missing"
    camera.close()


def test_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    frames = [np.full((HEIGHT, WIDTH), 1000 * k + 7, np.uint16) for k in range(6)]
    camera = OpenCvCamera(recorded(tmp_path / "grey.mkv", frames), fourcc="Y16")
    assert camera.open().bit_depth == 16
    pixels = [frame.pixels() for frame in islice(camera.frames(), 6)]
    camera.close()
    assert pixels[0].dtype == np.uint16
    assert pixels[0].shape == (HEIGHT, WIDTH, 3)
    assert [int(one[5, 5, 1]) for one in pixels] == [7, 1007, 2007, 3007, 4007, 5007]


def test_numbered_pictures(tmp_path: Path) -> None:
    for k in range(5):
        assert cv2.imwrite(str(tmp_path / f"f_{k:03d}.tif"), np.full((HEIGHT, WIDTH), 300 * k, np.uint16))
    camera = OpenCvCamera(str(tmp_path / "f_%03d.tif"))
    assert camera.open().bit_depth == 16
    assert [int(frame.pixels().mean()) for frame in islice(camera.frames(), 5)] == [0, 300, 600, 900, 1200]
    camera.close()


def test_what_takes_no_settings_says_so(tmp_path: Path) -> None:
    camera = OpenCvCamera(recorded(tmp_path / "a.mkv", [grey(k) for k in range(40)]))
    camera.open()
    mode = camera.configure(CameraMode(0, 0, 0, 1.0))
    assert mode == CameraMode(WIDTH, HEIGHT, 0, 1.0, period_us=40_000, readout_us=40_000)
    assert camera.configure(CameraMode(WIDTH, HEIGHT, 0, 1.0, readout_us=9)).readout_us == 9
    exposure = failure(lambda: camera.configure(CameraMode(0, 0, 15_000, 1.0)))
    assert (exposure.code, "15000" in str(exposure)) == ("camera_refused", True)
    size = failure(lambda: camera.configure(CameraMode(1280, 720, 0, 1.0)))
    assert (size.code, "asked 1280 x 720, got 64 x 48" in str(size)) == ("camera_refused", True)
    assert [int(frame.pixels().mean()) for frame in islice(camera.frames(), 3)] == [0, 1, 2]
    camera.close()


def test_open_again_starts_anew(tmp_path: Path) -> None:
    camera = OpenCvCamera(recorded(tmp_path / "a.mkv", [grey(k) for k in range(3)]))
    camera.open()
    assert failure(lambda: list(camera.frames())).code == "camera_missing"
    camera.open()
    assert next(camera.frames()).pixels().mean() == 0
    camera.close()
    assert camera_threads() == []


def test_closing_with_a_full_queue_and_an_unread_recording(tmp_path: Path) -> None:
    camera = OpenCvCamera(recorded(tmp_path / "a.mkv", [grey(k) for k in range(40)]))
    camera.open()
    camera.close()
    assert camera_threads() == []
