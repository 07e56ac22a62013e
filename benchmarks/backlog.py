"""A backlog: does it drain at the same rate however long it is, and does memory stay flat?

The relay finds it alone: what the commits themselves have dispatched is taken away, since it covers
all of a short backlog and little of a long one.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from statistics import median
from typing import Any, Self

from benchmarks.contenders import Contender
from benchmarks.drain import Track
from benchmarks.jobs import Job
from benchmarks.machine import memory_mb, with_children
from config.embedded.child import Child

RUNS = {"small": 3, "large": 1}
"""The small one is over in a moment, and one moment is like no other."""

EVERY = 0.05
"""Seconds between two looks at the memory."""

SELDOM = 20
"""Looks for each one at PostgreSQL: to add up what its processes share takes long."""


def measure(track: Track, contender: Contender, sizes: dict[str, int]) -> dict[str, Any]:
    """Jobs a second, and the largest memory of each process while it works; medians of the runs.

    A small backlog that does not count comes first: a worker that has never worked is smaller.
    """
    alone = replace(contender, feed=lambda jobs: _feed_unnoticed(track, contender, jobs))
    track.run(alone, sizes["small"])
    found: dict[str, Any] = {}
    for name, size in sizes.items():
        runs = [_run(track, alone, size) for _ in range(RUNS[name])]
        found[name] = {
            "messages": size,
            **{figure: round(median(run[figure] for run in runs), 1) for figure in runs[0]},
            "sums_kept": track.results[contender.name].sums.kept,
        }
    return found


def _feed_unnoticed(track: Track, contender: Contender, jobs: Sequence[Job]) -> None:
    contender.feed(jobs)
    track.broker.delete("default")


def _run(track: Track, contender: Contender, size: int) -> dict[str, float]:
    watch = _Watch(track.processes(track.crews[contender.crew]))
    rate = track.run(contender, size, meanwhile=watch)
    memory = {f"{process}_mb": largest for process, largest in watch.largest.items()}
    return {"jobs_per_second": rate, **memory}


class _Watch:
    """The largest memory of some processes, in MB, between the beginning and the end of `with`."""

    def __init__(self, processes: Mapping[str, Child]) -> None:
        self.largest = dict.fromkeys(processes, 0.0)
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._members = {name: with_children(one.pid) for name, one in self._processes.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        for number in count():
            last = self._stop.wait(EVERY)
            for name, members in self._members.items():
                if name != "postgres" or last or number % SELDOM == 0:
                    self.largest[name] = max(self.largest[name], memory_mb(members))
            if last:
                return
