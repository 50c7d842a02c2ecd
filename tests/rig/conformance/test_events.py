"""Buttons, card sensor, buzzer, and how events reach the host."""

from typing import Any

import pytest

from station.wire import messages as m
from station.wire.frame import Frame


def test_buttons_are_reported_pressed_and_released(board: Any, host: Any) -> None:
    for button in (0, 1):
        board.order(f"press {button} 60")
        while len(host.events) < 2:
            host.listen()
        assert [(e.button, e.pressed) for e in host.events] == [(button, 1), (button, 0)]
        assert host.events[1].ticks > host.events[0].ticks
        host.events.clear()
    assert host.status().buttons == 0


def test_a_button_held_down_shows_in_the_status(fresh_board: Any, host: Any) -> None:
    fresh_board.order("press 1 60000")
    host.await_event(m.Button)
    assert host.status().buttons == 0b10


def test_the_card_sensor_is_reported(board: Any, host: Any) -> None:
    board.order("card 1")
    assert host.await_event(m.Card).present == 1
    assert host.status().card_present == 1
    host.events.clear()
    board.order("card 0")
    assert host.await_event(m.Card).present == 0


def test_an_event_is_repeated_until_acknowledged(board: Any, host: Any) -> None:
    host.acknowledging = False
    board.order("card 1")
    while len(host.numbers) < 4:
        host.listen()
    assert set(host.numbers) == {1}
    host.link.write(Frame(9, m.Ack.ID).encode())  # another number: not this one
    while len(host.numbers) < 6:
        host.listen()
    assert host.status().events_waiting == 1
    host.acknowledging = True
    board.order("card 0")
    while 2 not in host.numbers:
        host.listen()
    assert [event.present for event in host.events] == [1, 0]
    while host.status().events_waiting:
        host.listen()
    assert host.ask(m.Stats()).events_repeated >= 5


def test_events_beyond_the_queue_are_counted_as_lost(board: Any, host: Any) -> None:
    host.acknowledging = False
    room = m.EVENT_QUEUE - m.EVENT_RESERVE
    for number in range(room + 3):
        board.order(f"card {(number + 1) % 2}")
        while host.status().card_present != (number + 1) % 2:
            pass
    assert host.status().events_waiting == room
    assert host.ask(m.Stats()).events_lost == 3


def test_a_fault_is_reported_even_when_buttons_filled_the_queue(board: Any, host: Any) -> None:
    host.acknowledging = False
    for number in range(m.EVENT_QUEUE):
        board.order(f"card {(number + 1) % 2}")
        while host.status().card_present != (number + 1) % 2:
            pass
    host.do(m.Light(0, 0, 10))
    board.wait_dark()
    host.acknowledging = True
    assert host.await_event(m.FaultRaised).fault is m.Fault.MAX_ON_EXPIRED


def test_the_buzzer_sounds(board: Any, host: Any) -> None:
    beeps = int(board.state()["beeps"])
    host.do(m.Buzzer(2_000, 80))
    while int(board.state()["buzzer_ms"]) < 70:
        host.do(m.Indicator(m.Pattern.ON, m.Colour.GREEN))
    assert int(board.state()["beeps"]) == beeps + 1
    assert int(board.state()["buzzer_hz"]) == pytest.approx(2_000, rel=0.02)


def test_pings_tell_the_boards_time(host: Any) -> None:
    ticks = [host.ask(m.Ping()).ticks for _ in range(5)]
    assert ticks == sorted(set(ticks))
