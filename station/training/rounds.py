"""Work that is dear once and cheap for many: while one round of it runs, the next one gathers."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """Threads bring items and wait until a round has dealt with theirs; one round runs at a time.

    Args:
        work: deals with all items of a round; what it raises is raised for each of them.
    """

    def __init__(self, work: Callable[[list[T]], None]) -> None:
        self._work = work
        self._running = threading.Lock()
        self._gathering = threading.Lock()
        self._items: list[tuple[T, Future[None]]] = []

    def join(self, item: T) -> None:
        """Wait until the item is dealt with, by this thread or by another that took it along."""
        done: Future[None] = Future()
        with self._gathering:
            self._items.append((item, done))
        with self._running:
            with self._gathering:
                taken, self._items = self._items, []
            if taken:
                self._run(taken)
        done.result()

    def _run(self, taken: list[tuple[T, "Future[None]"]]) -> None:
        try:
            self._work([item for item, _ in taken])
        except BaseException as error:  # noqa: BLE001 - each one that waits is told
            for _, done in taken:
                done.set_exception(error)
        else:
            for _, done in taken:
                done.set_result(None)
