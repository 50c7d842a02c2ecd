"""The driver's queue serves old pictures after a pause, then drops."""

import pytest

from station.twin.driver import DriverQueue


def _taken(queue: DriverQueue[int]) -> list[int]:
    found = []
    while (frame := queue.take()) is not None:
        found.append(frame)
    return found


def test_frames_come_in_order_and_once() -> None:
    queue: DriverQueue[int] = DriverQueue(4)
    queue.put(0)
    queue.put(1)
    assert _taken(queue) == [0, 1]
    assert _taken(queue) == []


def test_full_buffers_keep_the_oldest_and_drop_the_newest() -> None:
    queue: DriverQueue[int] = DriverQueue(4)
    for frame in range(10):
        queue.put(frame)
    assert _taken(queue) == [0, 1, 2, 3]
    assert queue.dropped == 6
    queue.put(10)
    assert _taken(queue) == [10]


def test_delay_serves_the_frame_that_many_periods_old() -> None:
    queue: DriverQueue[int] = DriverQueue(4, delay=2)
    served = []
    for frame in range(6):
        queue.put(frame)
        served.append(queue.take())
    assert served == [None, None, 0, 1, 2, 3]


def test_clear_empties_delay_and_buffers() -> None:
    queue: DriverQueue[int] = DriverQueue(4, delay=1)
    queue.put(0)
    queue.put(1)
    queue.clear()
    queue.put(2)
    assert queue.take() is None
    queue.put(3)
    assert queue.take() == 2


@pytest.mark.parametrize(("buffers", "delay"), [(0, 0), (1, -1)])
def test_impossible_queue_is_refused(buffers: int, delay: int) -> None:
    with pytest.raises(ValueError, match="buffer"):
        DriverQueue(buffers, delay)
