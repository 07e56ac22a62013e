"""Waiting for what another process is about to do."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, seconds: float = 8.0) -> None:
    """Return once the condition holds; fail after a while."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
