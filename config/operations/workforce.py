"""The workers and the broker, as the broker tells it: asked without holding the page up."""

import time
from dataclasses import dataclass

from config import health, heartbeats
from config.heartbeats import Worker

PATIENCE = 0.06
"""Seconds that a page waits for the broker. Its last answer is good for some seconds more."""

REMEMBERED = 10.0
"""Seconds for which an earlier answer is shown."""


@dataclass(frozen=True, kw_only=True)
class Workforce:
    """Workers seen in the last seconds; `problem` says why there is nothing newer, if so."""

    workers: list[Worker]
    problem: str = ""


_last: tuple[float, list[Worker]] = (float("-inf"), [])


def seen() -> Workforce:
    """Who is there. Never raises, and never takes longer than PATIENCE."""
    question = health.Question(_ask_broker)
    reasons = question.reasons("broker", time.monotonic() + PATIENCE)
    at, workers = _last
    fresh = time.monotonic() - at < REMEMBERED
    problem = "" if fresh else reasons.get("broker", "no answer yet")
    return Workforce(workers=workers if fresh else [], problem=problem)


def _ask_broker() -> dict[str, object]:
    global _last
    workers = sorted(heartbeats.workers(), key=lambda worker: worker.name)
    _last = (time.monotonic(), workers)
    return {}
