"""Whose figures these are: the machine, how busy others kept it, and CPU time by process."""

import os
import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from config.embedded.child import Child

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
LOOKS = 10
"""At a family of processes, until two in a row find the same members."""


def describe() -> dict[str, Any]:
    """What somebody needs to compare these figures with others."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": system(),
        "python": platform.python_version(),
    }


def system() -> str:
    """As Linux 6.12: what a distribution makes of the rest says nothing about speed."""
    return f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"


def cpu_seconds(root: int) -> float:
    """CPU time of a process and all its descendants, those that have ended included.

    0 where there is no /proc.
    """
    if not PROC.exists():
        return 0.0
    family = _family(root)
    for _ in range(LOOKS):
        # One that ends while /proc is read may be in no line of it: no longer in its own, and not
        # yet in that of its parent, which was read before.
        before, family = family, _family(root)
        if before.keys() == family.keys():
            break
    return sum(family.values())


def cpu_by_name(processes: Mapping[str, Child]) -> dict[str, float]:
    """CPU seconds so far of each."""
    return {name: cpu_seconds(child.pid) for name, child in processes.items()}


def running_seconds(pid: int) -> float:
    """CPU time of this process alone, to the nanosecond; 0 where Linux does not tell."""
    try:
        return int((PROC / str(pid) / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def with_children(root: int) -> list[int]:
    """A process and its children, as of now."""
    if not PROC.exists():
        return []
    return [root] + [stat.pid for stat in _processes() if stat.parent == root]


def memory_mb(members: list[int]) -> float:
    """Resident memory of these processes, pages that they share counted once."""
    return sum(_proportional_kb(pid) for pid in members) / 1024


@dataclass(frozen=True)
class Busy:
    """The machine's processors at one moment."""

    at: float
    used: float  # seconds of all cores since boot
    load: float

    @classmethod
    def now(cls) -> "Busy":
        """As of now; `used` is 0 where there is no /proc."""
        used = 0.0
        if PROC.exists():
            words = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
            idle = int(words[3]) + int(words[4])
            used = (sum(int(word) for word in words[:8]) - idle) / TICKS
        return cls(time.monotonic(), used, os.getloadavg()[0])

    def since(self, before: "Busy", ours: float) -> float:
        """The share of all cores that others used since `before`; `ours` in CPU seconds."""
        cores = (self.at - before.at) * (os.cpu_count() or 1)
        return max(0.0, (self.used - before.used - ours) / cores) if cores else 0.0


def busy_now(seconds: float = 0.5) -> float:
    """The share of all cores that anybody uses in the next so many seconds.

    A load average would tell of the part before as well, for minutes. 0 where there is no /proc.
    """
    before = Busy.now()
    time.sleep(seconds)
    return Busy.now().since(before, 0.0)


@dataclass
class Meter:
    """What goes on inside `with`: seconds, CPU seconds by process, the share that others used."""

    processes: Mapping[str, Child]
    itself: str = ""  # what this process is called, if its own CPU counts as well
    commands: str = ""  # likewise what it runs meanwhile and waits for
    seconds: float = 0.0
    used: dict[str, float] = field(default_factory=dict)
    others: float = 0.0

    def __enter__(self) -> Self:
        self._before, self._busy = self._cpu(), Busy.now()
        return self

    def __exit__(self, *_: object) -> None:
        after, now = self._cpu(), Busy.now()
        self.seconds = now.at - self._busy.at
        self.used = {name: value - self._before[name] for name, value in after.items()}
        self.others = now.since(self._busy, sum(self.used.values()))

    def _cpu(self) -> dict[str, float]:
        own = {self.itself: time.process_time()} if self.itself else {}
        if self.commands:
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            own[self.commands] = ended.ru_utime + ended.ru_stime
        return cpu_by_name(self.processes) | own


@dataclass(frozen=True)
class _Stat:
    pid: int
    parent: int
    seconds: float


def _family(root: int) -> dict[int, float]:
    """CPU seconds of a process and of each of its descendants."""
    table = {stat.pid: stat for stat in _processes()}
    family, found = [root], {root}
    while family:
        parent = family.pop()
        children = [pid for pid, stat in table.items() if stat.parent == parent]
        found |= set(children)
        family += children
    return {pid: table[pid].seconds for pid in found if pid in table}


def _processes() -> list[_Stat]:
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        ticks = sum(int(word) for word in words[11:15])  # user, system, and ended children's
        found.append(_Stat(int(folder.name), int(words[1]), ticks / TICKS))
    return found


def _proportional_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _processor() -> str:
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if "model name" in line), "?")
