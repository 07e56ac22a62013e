"""What was asked for, and what the client knows about the answer: the books must match it."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """What the client that asked knows."""

    OPEN = "open"  # still asking
    ACCEPTED = "accepted"  # it must happen, exactly once
    REFUSED = "refused"  # it must not happen
    INDETERMINATE = "indeterminate"  # no answer came: all of it or nothing


@dataclass
class Request:
    """One operation, under one idempotency key, however often it was sent."""

    number: int
    kind: str  # probe, bulk_probe, reduction, category, purchase, campaign, cancel, order, bare
    path: str
    body: dict[str, Any]
    about: str  # what finds it in the database again: see the kind's checker
    placed_at: float  # seconds since the epoch
    answer: Answer = Answer.OPEN
    answered_at: float | None = None  # or given up, where the answer is indeterminate
    refusal: str = ""  # the code of the error, where it was refused
    id: str = ""
    sent: int = 0  # how often

    @property
    def key(self) -> str:
        """The Idempotency-Key of all its tries."""
        return f"chaos-{self.number}"


@dataclass
class Journal:
    """Every request of a run, in the order in which they were begun. Thread-safe."""

    requests: list[Request] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self) -> int:
        """A number that no other request has."""
        with self._lock:
            return next(self._numbers)

    def begin(
        self, number: int, kind: str, path: str, body: dict[str, Any], about: str = ""
    ) -> Request:
        """Write a request down before it is sent."""
        request = Request(number, kind, path, body, about, time.time())
        with self._lock:
            self.requests.append(request)
        return request

    def of(self, *kinds: str) -> list[Request]:
        """The requests of these kinds."""
        with self._lock:
            return [one for one in self.requests if one.kind in kinds]

    def count(self, answer: Answer) -> int:
        """How many requests have this answer."""
        with self._lock:
            return sum(one.answer is answer for one in self.requests)
