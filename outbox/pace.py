"""How many messages of an ordinary handler the next run record names.

A record costs as much as a claim, so quick messages share one. While it stands no other worker
takes what it names; so it names no more than is done in a moment, and slow ones have one each.
"""

import time

MOMENT = 0.05
"""Seconds of work that one record names."""

MOST = 32


class Pace:
    """Measures one dispatch: how long each of its messages takes, and so how many come next."""

    def __init__(self, moment: float = MOMENT) -> None:
        self._moment = moment
        self._size = 1
        self._since = time.monotonic()

    def next_size(self) -> int:
        """At most twice the last one, and what fits into a moment at the pace of the last one."""
        now = time.monotonic()
        each = max((now - self._since) / self._size, 1e-6)
        self._size = int(max(1, min(2 * self._size, MOST, self._moment / each)))
        self._since = now
        return self._size
