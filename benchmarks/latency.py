"""Latency: from a business commit to the commit of its effect, at a steady rate.

Both moments are PostgreSQL's own commit stamps (track_commit_timestamp), so that every contender
is timed by one clock, at the same point of a commit.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks import jobs as work
from benchmarks.drain import Track
from benchmarks.gate import Enter, Gate
from benchmarks.jobs import Job
from benchmarks.ledger import Sums
from benchmarks.machine import Meter

FeedOne = Callable[[Job], None]
CLIENTS = 4
"""Threads that enqueue, each with a connection of its own, as threads of a web server do."""

UNDER_WAY = 32
"""Jobs that may be asked for and not done while capacity is measured: a rate at which more and
more of them wait is none that anybody can go on at."""


@dataclass(frozen=True)
class Subject:
    """Whose latency: its name in results.json, its crew, and how one job is enqueued."""

    name: str
    crew: str
    feed: FeedOne


@dataclass
class Waited:
    """All samples of one subject, in milliseconds."""

    samples: list[float] = field(default_factory=list)
    jobs: int = 0
    sums: Sums = field(default_factory=Sums)
    seconds: float = 0.0
    others: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)  # seconds, by process
    rounds: list[dict[str, float]] = field(default_factory=list)

    def add(self, samples: list[float], jobs: int, seconds: float) -> None:
        """One more round: what was waited, in order, and how many jobs were asked for how long."""
        self.samples += samples
        self.jobs += jobs
        self.seconds += seconds
        self.rounds.append(
            {
                "p50_ms": _at(samples, 0.5),
                "p99_ms": _at(samples, 0.99),
                "jobs_per_second": round(jobs / seconds, 1),
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """As results.json has it."""
        ordered = sorted(self.samples)
        return {
            "p50_ms": _at(ordered, 0.5),
            "p99_ms": _at(ordered, 0.99),
            "p999_ms": _at(ordered, 0.999),
            "max_ms": _at(ordered, 1.0),
            "rounds": self.rounds,
            "samples": len(ordered),
            "jobs": self.jobs,
            "sums_kept": self.sums.kept,
            **vars(self.sums),
            "jobs_per_second": round(self.jobs / self.seconds, 1) if self.seconds else 0.0,
            "others_used": round(self.others, 3),
            "cpu_ms_per_job": {
                name: round(1000 * used / max(1, self.jobs), 3) for name, used in self.cpu.items()
            },
        }


def run(track: Track, subject: Subject, waited: Waited, *, rate: float, seconds: float) -> None:
    """Enqueue `rate` jobs a second for so many seconds and add what was waited for each.

    The first tenth counts for the sums alone.
    """
    crew = track.crews[subject.crew]
    jobs = work.sequence(int(rate * seconds))
    balances = work.credits_for(jobs)
    track.ledger.reset(balances)
    track.ledger.settle()
    crew.thaw()
    time.sleep(0.3)  # until consumers that were frozen have looked round
    with Meter(track.processes(crew), itself="clients") as meter:
        took = _enqueue_steadily(subject.feed, jobs, rate)
        _wait_for(track, len(jobs))
    crew.freeze(track.is_idle)
    waited.cpu = {name: waited.cpu.get(name, 0) + used for name, used in meter.used.items()}
    waited.others = max(waited.others, meter.others)
    waited.add(track.ledger.latencies(), len(jobs), took)
    waited.sums += track.ledger.sums(jobs, balances)


def capacity(track: Track, subject: Subject, seconds: float) -> float:
    """Jobs a second that are enqueued and done where clients ask as fast as they can, for so many
    seconds.
    """
    crew, jobs = track.crews[subject.crew], work.sequence(int(2_000 * seconds))
    track.ledger.reset(work.credits_for(jobs))
    track.ledger.settle()
    crew.thaw()
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        parts = [jobs[number::CLIENTS] for number in range(CLIENTS)]
        until = began + seconds
        with Gate(track.ledger, UNDER_WAY) as enter:
            ask = partial(_ask_until, subject.feed, until, enter)
            asked = sum(clients.map(ask, parts))
    _wait_for(track, asked, patience=60, pause=0.002)
    took = time.monotonic() - began
    crew.freeze(track.is_idle)
    return asked / took


def _ask_until(feed: FeedOne, until: float, enter: Enter, jobs: list[Job]) -> int:
    asked = 0
    for job in jobs:
        if time.monotonic() > until:
            break
        enter(1)
        feed(job)
        asked += 1
    _close()
    return asked


def _enqueue_steadily(feed: FeedOne, jobs: list[Job], rate: float) -> float:
    """Jobs at random moments of a steady rate, as people's requests come; returns the seconds."""
    chance, began, due = random.Random(1), time.monotonic(), 0.0  # noqa: S311 - no secret
    slots = threading.Semaphore(CLIENTS)

    def one(job: Job) -> None:
        try:
            feed(job)
        finally:
            slots.release()

    with ThreadPoolExecutor(CLIENTS) as clients:
        for job in jobs:
            due += chance.expovariate(rate)
            time.sleep(max(0.0, began + due - time.monotonic()))
            slots.acquire()
            clients.submit(one, job)
        clients.submit(_close).result()
    return time.monotonic() - began


def _wait_for(track: Track, count: int, patience: float = 20, pause: float = 0.05) -> None:
    """Wait until so many are done; `pause` lies between two looks."""
    latest = time.monotonic() + patience
    while track.ledger.begun() < count and time.monotonic() < latest:
        time.sleep(pause)
    while track.ledger.written() < count and time.monotonic() < latest:
        time.sleep(pause)


def _close() -> None:
    from django.db import connections

    connections.close_all()


def _at(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
