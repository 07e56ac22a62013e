"""A backlog: does it drain at the same rate however long it is, and does memory stay flat?"""

import threading
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.drain import Track
from benchmarks.machine import memory_mb


def measure(track: Track, contender: Contender, sizes: dict[str, int]) -> dict[str, Any]:
    """Lay and drain each; jobs a second, and the largest memory of each process meanwhile."""
    crew = track.crews[contender.crew]
    processes = {child.name: child.pid for child in crew.children}
    found: dict[str, Any] = {}
    for name, size in sizes.items():
        with _Watch(processes) as watch:
            rate = track.run(contender, size)
        kept = track.results[contender.name].sums.kept
        found[name] = {
            "messages": size,
            "jobs_per_second": round(rate, 1),
            **{f"{process}_mb": round(used, 1) for process, used in watch.largest.items()},
            "sums_kept": kept,
        }
    return found


class _Watch:
    """The largest memory of some processes, looked at each second."""

    def __init__(self, processes: dict[str, int]) -> None:
        self.largest = dict.fromkeys(processes, 0.0)
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            for name, pid in self._processes.items():
                self.largest[name] = max(self.largest[name], memory_mb(pid))
            if self._stop.wait(1):
                return
