"""The night's reconciliation, as a dry run: once beside the load, and once after all of it.

What it finds is in the books: see `checkers/findings.py`.
"""

import json
import threading
from collections.abc import Callable

from chaos.stack import CannotStart, Stack

PAUSE = 0.5  # seconds between two looks whether it is time, or between two tries
MOST_TRIES = 3  # after the load; the first one may have to end what a fault has cut short


class Night(threading.Thread):
    """One dry run as soon as `is_time()`, again and again until one has come to its end."""

    def __init__(self, stack: Stack, is_time: Callable[[], bool]) -> None:
        super().__init__(name="night")
        self._stack, self._is_time = stack, is_time
        self._end = threading.Event()

    def run(self) -> None:
        """Until it was done, or `stop`."""
        while not self._end.wait(PAUSE):
            if self._is_time() and has_gone_through(self._stack):
                return

    def stop(self) -> None:
        """Begin none any more, and wait for the one that is under way."""
        self._end.set()
        self.join()


def after_all(stack: Stack, is_done: Callable[[], bool]) -> None:
    """A dry run from its beginning to its end, if it can be had: the checkers look for it."""
    for _ in range(MOST_TRIES):
        has_gone_through(stack)
        if is_done():
            return


def has_gone_through(stack: Stack) -> bool:
    """One dry run. False where it said nothing: a fault was in its way."""
    try:
        json.loads(stack.manage("reconcile", "--dry-run", "--json", fine=(0, 1)))
    except (CannotStart, ValueError):
        return False
    return True
