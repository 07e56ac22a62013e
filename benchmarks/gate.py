"""What keeps those who ask from asking for more than is done: a rate at which the queue only grows
is none that anybody can go on at.
"""

import threading
from typing import Self

from benchmarks.drain import STUCK
from benchmarks.ledger import Ledger


class Gate:
    """Lets jobs in while fewer than `most` are under way, by what the ledger says is done."""

    def __init__(self, ledger: Ledger, most: int) -> None:
        self._ledger = ledger
        self._most = most
        self._asked = self._done = 0
        self._changed = threading.Condition()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def enter(self, jobs: int = 1) -> None:
        """Wait for room, and take it for so many. Raises RuntimeError where nothing gets done."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, STUCK):
                raise RuntimeError(f"{self._asked} were asked for, and only {self._done} are done.")
            self._asked += jobs

    def _has_room(self) -> bool:
        return self._asked - self._done < self._most

    def _look(self) -> None:
        while not self._end.wait(0.005):
            done = self._ledger.begun()
            with self._changed:
                self._done = done
                self._changed.notify_all()
