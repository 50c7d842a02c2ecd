"""Peers take turns."""

from station.bus.turns import Turns


def test_who_asks_for_much_keeps_nobody_waiting() -> None:
    turns: Turns[int] = Turns(at_once=10, of_one=2, waiting=3)
    assert [turns.offer(b"greedy", number) for number in range(5)] == [True, True, True, False, False]
    assert [turns.next(), turns.next(), turns.next()] == [(b"greedy", 0), (b"greedy", 1), None]
    assert turns.offer(b"honest", 0)
    assert turns.offer(b"greedy", 5)
    assert turns.next() == (b"honest", 0)
    assert turns.next() is None
    turns.done(b"greedy")
    assert turns.next() == (b"greedy", 2)


def test_those_who_wait_are_served_in_turn_and_forgotten_afterwards() -> None:
    turns: Turns[int] = Turns(at_once=1, of_one=5, waiting=5)
    for peer in (b"a", b"b"):
        for number in range(3):
            turns.offer(peer, number)
    served = []
    while (turn := turns.next()) is not None:
        assert turns.next() is None, "one at once"
        served.append(turn)
        turns.done(turn[0])
    assert served == [(peer, number) for number in range(3) for peer in (b"a", b"b")]
    assert turns._lines == {}


def test_what_waits_of_one_peer_can_be_forgotten() -> None:
    turns: Turns[int] = Turns(at_once=2, of_one=1, waiting=5)
    for peer in (b"deaf", b"honest"):
        turns.offer(peer, 1)
        turns.offer(peer, 2)
    assert turns.next() == (b"deaf", 1)
    turns.forget(b"deaf")
    turns.forget(b"nobody")
    turns.done(b"deaf")
    assert [turns.next(), turns.next()] == [(b"honest", 1), None]
    assert turns.offer(b"deaf", 3)
    assert turns.next() == (b"deaf", 3)
