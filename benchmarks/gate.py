"""What keeps those who ask from asking for more than is done: a rate at which the queue only grows
is none that anybody can go on at.
"""

import threading
from collections.abc import Callable

from benchmarks.drain import STUCK
from benchmarks.ledger import Ledger

Enter = Callable[[int], None]
"""Called with a number of jobs before they are asked for; returns when they may be."""


class Gate:
    """Lets jobs in while no more than `most` are under way, by what the ledger says is begun."""

    def __init__(self, ledger: Ledger, most: int) -> None:
        self._ledger = ledger
        self._most = most
        self._asked = self._done = 0
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Enter:
        self._thread.start()
        return self._enter

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _enter(self, jobs: int) -> None:
        """Wait for room for so many, at most `most`, and take it.

        Raises RuntimeError where nothing gets done, or the ledger cannot be asked any more.
        """
        with self._changed:
            there_is_room = self._changed.wait_for(lambda: self._failure or self._fits(jobs), STUCK)
            if self._failure or not there_is_room:
                known = f"{self._asked} were asked for, and {self._done} are known to be done."
                raise RuntimeError(known) from self._failure
            self._asked += jobs

    def _fits(self, jobs: int) -> bool:
        return self._asked + jobs - self._done <= self._most

    def _look(self) -> None:
        try:
            while not self._end.wait(0.005):
                self._tell(self._ledger.begun())
        except Exception as error:  # raised by whoever waits
            self._tell(self._done, error)

    def _tell(self, done: int, failure: Exception | None = None) -> None:
        with self._changed:
            self._done, self._failure = done, failure
            self._changed.notify_all()
