"""The goals, each a ratio within one run, against what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """One goal; `measured` is empty where this run did not measure it."""

    text: str
    wanted: str
    measured: str
    reached: bool

    @property
    def verdict(self) -> str:
        """In a word."""
        return "reached" if self.reached else "**not reached**"


def of(known: dict[str, Any]) -> list[Goal]:
    """All that the figures at hand can answer."""
    return [*_drains(known.get("drain", {})), *_latencies(known.get("latency", {})), *_rest(known)]


PYTHON_PEERS = (
    *("celery_locked", "celery_guarded", "django_celery_outbox", "procrastinate", "dbos"),
    *("dramatiq", "huey", "rq", "django_tasks"),
)


def _drains(drain: dict[str, Any]) -> Iterator[Goal]:
    wanted = [
        ("ours_batch", "celery_naive", 50.0),
        ("ours_batch", "graphile_worker", 5.0),
        ("ours_batch", "postgres_100", 0.5),
        ("ours_batch", "postgres_100_queue", 0.5),
        ("ours_single", "celery_naive", 3.0),
        *(("ours_single", peer, 1.0) for peer in PYTHON_PEERS),
    ]
    for one, other, least in wanted:
        if one in drain and other in drain:
            ratio = drain[one]["median"] / drain[other]["median"]
            text = f"drain: `{one}` / `{other}`"
            yield Goal(text, f"≥ {least:g}", f"{ratio:.2f}", ratio >= least)


def _latencies(latency: dict[str, Any]) -> Iterator[Goal]:
    if "ours" in latency and "celery_bare" in latency:
        for column in ("p50_ms", "p99_ms"):
            ours, bare = latency["ours"][column], latency["celery_bare"][column]
            text = f"commit → effect at 50/s, {column[:3]}: ours / bare Celery"
            yield _most(text, ours / bare if bare else 0, 1.2, f"{ours} / {bare} ms")
    if loaded := latency.get("ours_at_80_percent"):
        yield _most("commit → effect at 80 % of capacity, p99 in ms", loaded["p99_ms"], 50)


def _rest(known: dict[str, Any]) -> Iterator[Goal]:
    if enqueue := known.get("enqueue"):
        ratio = enqueue["ratio_to_plain_insert"]
        yield _most("`enqueue` / a plain ORM INSERT, both with the business row", ratio, 1.3)
    if growth := known.get("growth"):
        yield from _growth(growth)
    if backlog := known.get("backlog"):
        yield from _backlog(backlog)


def _growth(growth: dict[str, Any]) -> Iterator[Goal]:
    sizes = [name for name in growth if name.startswith("finished_")]
    largest = f"{int(sizes[-1].removeprefix('finished_')):,}"
    for name in ("claim_500", "empty_poll", "enqueue"):
        ratio = growth["largest_ratio"][f"{name}_ms"]
        text = f"{name.replace('_', ' ')} beside {largest} finished rows / none"
        yield _most(text, ratio, 1.2)
    opened = growth["open_transaction"]
    for name in ("claim_500", "empty_poll"):
        ratio = opened["largest_ratio"][f"{name}_ms"]
        what = f"{name.replace('_', ' ')} after {opened['drained']:,} drained"
        yield _most(f"{what} beside an open transaction / before", ratio, 3)


def _backlog(backlog: dict[str, Any]) -> Iterator[Goal]:
    large, small = backlog["large"], backlog["small"]
    ratio = large["jobs_per_second"] / small["jobs_per_second"]
    text = f"drain rate of a backlog of {large['messages']:,} / of {small['messages']:,}"
    yield Goal(text, "≥ 0.9", f"{ratio:.2f}", ratio >= 0.9)
    for process in ("worker", "relay"):
        grown = large[f"{process}_mb"] / small[f"{process}_mb"]
        yield _most(f"memory of the {process}, the large backlog / the small", grown, 1.2)


def _most(text: str, ratio: float, most: float, detail: str = "") -> Goal:
    measured = f"{ratio:.2f} ({detail})" if detail else f"{ratio:.2f}"
    return Goal(text, f"≤ {most:g}", measured, ratio <= most)
