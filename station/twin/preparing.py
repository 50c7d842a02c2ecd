"""Renders the pictures of `served` in the background, one thing after the other."""

import threading

from ..documents.fault import StationError
from ..documents.operating import Prepared
from .scene import Scene
from .served import Served, Taking
from .things import Thing


class Preparing:
    """Of one scene, which takes its frames from memory from then on.

    Args:
        scene: its `served` is set.
        most_bytes: of all pictures.
    """

    def __init__(self, scene: Scene, most_bytes: int) -> None:
        self._served = scene.served = Served(scene, most_bytes)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted = self._ready = 0
        self._fault = ""

    def begin(self, things: list[Thing], taking: Taking) -> None:
        """Return at once; `state` tells how far it is.

        Raises:
            StationError: `busy`, others are being rendered; `bad_request`, they take too much memory.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise StationError("busy", "other pictures are being rendered")
            self._served.require_room(things, taking)
            self._wanted, self._ready, self._fault = len(things), 0, ""
            self._thread = threading.Thread(target=self._run, args=(things, taking), name="twin preparing")
            self._thread.start()

    def state(self) -> Prepared:
        """How far it is, and what became of the frames that were looked at."""
        served = self._served
        with self._lock:
            return Prepared(
                done=self._ready == self._wanted,
                wanted=self._wanted,
                ready=self._ready,
                fault=self._fault,
                bytes=served.bytes,
                served=served.served,
                rendered=served.rendered,
            )

    def close(self) -> None:
        """Stop after the thing that is being rendered."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, things: list[Thing], taking: Taking) -> None:
        try:
            for thing in things:
                if self._ending.is_set():
                    return
                self._served.prepare(thing, taking)
                with self._lock:
                    self._ready += 1
        except (MemoryError, ValueError) as error:
            with self._lock:
                self._fault = f"{type(error).__name__}: {error}"
