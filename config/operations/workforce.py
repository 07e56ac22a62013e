"""The workers and the broker, as the broker tells it: asked without holding the page up."""

from dataclasses import dataclass, field

from config import broker, heartbeats
from config.heartbeats import Worker
from config.operations.remembered import PATIENCE, Remembered


@dataclass(frozen=True, kw_only=True)
class Workforce:
    """Workers seen in the last seconds; `problem` says why there is nothing newer, if so."""

    workers: list[Worker]
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Queues:
    """Dispatches that wait in the broker, by queue: hints, not jobs. `problem` as above."""

    waiting: dict[str, int] = field(default_factory=dict)
    problem: str = ""


def seen(patience: float = PATIENCE) -> Workforce:
    """Who is there. Never raises, and holds nobody up for longer than `patience` (seconds)."""
    workers, problem = _workers.get(patience)
    return Workforce(workers=workers or [], problem=problem)


def queues(patience: float = PATIENCE) -> Queues:
    """How long the broker's queues are. Never raises, and waits as `seen` does."""
    waiting, problem = _queues.get(patience)
    return Queues(waiting=waiting or {}, problem=problem)


def _ask_who_is_there() -> list[Worker]:
    return sorted(heartbeats.workers(), key=lambda worker: worker.name)


_workers = Remembered(_ask_who_is_there)
_queues = Remembered(broker.waiting)
