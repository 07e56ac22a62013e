"""What the broker tells, asked for without holding a page up, and good for some seconds more."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Generic, TypeVar

from config import health

Answer = TypeVar("Answer")

PATIENCE = 0.06
"""Seconds that a page waits for an answer. The last one is good for some seconds more."""

REMEMBERED = 10.0
"""Seconds for which an earlier answer is shown."""


class Remembered(Generic[Answer]):
    """A question to somebody who may be away, with the last answer to it."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._at = float("-inf")
        self._last: Answer | None = None

        @wraps(ask)
        def fetch() -> dict[str, object]:
            self._last, self._at = ask(), time.monotonic()
            return {}

        self._fetch = fetch

    def get(self, patience: float = PATIENCE) -> tuple[Answer | None, str]:
        """The answer, or None and why there is none. Never raises, nor takes beyond `patience`."""
        reasons = health.question(self._fetch).reasons("broker", time.monotonic() + patience)
        if time.monotonic() - self._at < REMEMBERED:
            return self._last, ""
        return None, reasons.get("broker", "no answer yet")
