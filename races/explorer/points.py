"""Yield points for what is not SQL: a call to a gateway, a publish, an acknowledgement."""

import threading
from typing import NoReturn, Protocol

from .errors import NoYieldPoint


class Gate(Protocol):
    """Whoever holds a worker up between two steps."""

    refusal: NoYieldPoint | None

    def point(self, text: str, keys: frozenset[str], *, everything: bool) -> None:
        """Wait for the scheduler's leave."""


_current = threading.local()


def point(text: str, *keys: str, everything: bool = False) -> None:
    """Let the explorer choose who goes on here. Does nothing outside an exploration.

    ``text`` is drawn in the timeline. Two points depend on each other when they have one of their
    ``keys`` in common, or when one touches ``everything``; without either the point is the worker's
    own affair (but its process may die there).
    What Python does until the next statement belongs to the point, so call it *before* the effect.
    """
    gate: Gate | None = getattr(_current, "gate", None)
    if gate is not None:
        gate.point(text, frozenset(keys), everything=everything)


def refuse(text: str) -> NoReturn:
    """Raise NoYieldPoint; it is kept as well, for code that swallows whatever is raised."""
    error = NoYieldPoint(text)
    gate: Gate | None = getattr(_current, "gate", None)
    if gate is not None:
        gate.refusal = error
    raise error


def hold(gate: Gate | None) -> None:
    """Make ``gate`` the one that this thread's points wait at."""
    _current.gate = gate
