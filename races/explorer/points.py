"""Yield points for what is not SQL: a call to a gateway, a publish, an acknowledgement."""

import threading
from typing import Protocol


class Gate(Protocol):
    """Whoever holds a worker up between two steps."""

    def point(self, text: str, key: str) -> None:
        """Wait for the scheduler's leave."""


_current = threading.local()


def point(text: str, key: str = "") -> None:
    """Let the explorer choose who goes on here. Does nothing outside an exploration.

    ``text`` is drawn in the timeline. Two points depend on each other when their ``key`` is the
    same; without a key the point is the worker's own affair (but its process may die there).
    What Python does until the next statement belongs to the point, so call it *before* the effect.
    """
    gate: Gate | None = getattr(_current, "gate", None)
    if gate is not None:
        gate.point(text, key)


def hold(gate: Gate | None) -> None:
    """Make ``gate`` the one that this thread's points wait at."""
    _current.gate = gate
