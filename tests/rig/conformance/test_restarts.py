"""How a board begins again, and how it ends."""

from collections.abc import Callable
from typing import Any

import pytest

from station.wire import messages as m


@pytest.mark.parametrize(
    ("order", "cause"),
    [("reset", m.ResetCause.EXTERNAL), ("hang", m.ResetCause.WATCHDOG)],
    ids=["reset", "hang"],
)
def test_a_restarted_board_is_dark_and_says_so(
    board: Any, host: Any, another_host: Callable[[], Any], order: str, cause: m.ResetCause
) -> None:
    nonce = host.ask(m.Ping()).boot_nonce
    host.do(m.Light(4, 0, 10_000))
    board.order(order)
    board.wait_dark()
    while not host.heard:  # a hanging board answers nothing; ask until it is back
        host.send(m.Ping())
        for _ in range(10):
            host.listen()
    assert m.Refused.unpack(host.heard[0].payload).reason is m.Refusal.NO_SESSION
    host.heard.clear()
    reply = host.hello(session=1)
    assert reply.boot_nonce != nonce
    assert reply.reset_cause is cause
    host.do(m.Light(4, 0, 10_000))


def test_an_orderly_end_leaves_no_light(fresh_board: Any, host: Any) -> None:
    host.do(m.Lights(0xFF, 255, 0, 10_000))
    assert fresh_board.end() == 0
    assert fresh_board.lit() == 0
    assert not fresh_board.link.exists()
