"""What a fault needs: the stack, a die, and a way to say that it lasts."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.observer import Observer
from chaos.stack import Stack


@dataclass(frozen=True)
class Site:
    """Where the faults happen. Each gets dice of its own, so that a seed gives the same choices."""

    stack: Stack
    observer: Observer
    longest: float  # seconds that a lasting fault may last in this run
    dice: random.Random = field(default_factory=random.Random)

    def seconds(self, wanted: float) -> float:
        """How long to last: as long as wanted, or as this run allows."""
        return min(wanted, self.longest)


@dataclass(frozen=True)
class Lasting:
    """A fault that is on for a while, then ended. Until then others may come on top of it."""

    seconds: float
    end: Callable[[], None]
    since: float | None = None  # seconds since the epoch; None: since it was asked for
    goes_on: Callable[[], bool] = lambda: False  # whether it is still at it: `end` waits for that


Fault = Callable[[Site], Lasting | None]
"""Sees what it does take effect: whatever returns has happened, and is counted.

Raises LookupError, OSError, OutOfSight or redis.RedisError where there is nothing to harm.
"""
