"""What a killed supervisor has left running is ended before the next start.

On Linux the kernel has told the children already (see embedded/leash.py); they may still be at it,
and elsewhere nobody told them. A process is ours if both its group and its command line are those
that were written down: a number alone may long belong to somebody else.
"""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded.child import Child
from config.home import Home, write_private


@dataclass(frozen=True)
class Listed:
    """A process as the system lists it."""

    pid: int
    group: int
    command: str


def note(home: Home, children: list[Child]) -> None:
    """Write down which processes are ours."""
    started = [child for child in children if child.process is not None]
    written = [[child.pid, " ".join(child.command), int(child.stop_signal)] for child in started]
    write_private(home.folder / "processes.json", json.dumps(written))


def end(home: Home, patience: float = 5) -> list[int]:
    """End what an earlier supervisor of this home left; returns the numbers of those it found."""
    signals = _written(home)
    found = _ours(signals)
    for process in found:
        _send(process.pid, signals[process.group, process.command])
    latest = time.monotonic() + patience
    while (left := _ours(signals)) and time.monotonic() < latest:
        time.sleep(0.05)
    for process in left:
        _send(process.pid, signal.SIGKILL)
    return [process.pid for process in found]


def forget_stale_pid_file(data: Path) -> None:
    """Remove PostgreSQL's pid file if the number in it is not PostgreSQL's any more.

    After a crash the number may be another program's by now; PostgreSQL would not start then.
    """
    file = data / "postmaster.pid"
    if file.exists():
        pid = int(file.read_text().split("\n", 1)[0] or 0)
        running = {process.pid: process.command for process in listing()}
        if str(data) not in running.get(pid, ""):
            file.unlink()


def listing() -> list[Listed]:
    """All processes of this machine that we may see."""
    if Path("/proc/self/cmdline").exists():
        return [found for entry in Path("/proc").iterdir() if (found := _from_proc(entry))]
    lines = subprocess.run(
        ["/bin/ps", "-axww", "-o", "pid=,pgid=,command="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [
        Listed(int(pid), int(group), rest.strip())
        for pid, group, rest in (line.split(None, 2) for line in lines if line.count(" ") > 1)
    ]


def _written(home: Home) -> dict[tuple[int, str], signal.Signals]:
    try:
        written = json.loads((home.folder / "processes.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {(pid, command): signal.Signals(number) for pid, command, number in written}


def _ours(signals: dict[tuple[int, str], signal.Signals]) -> list[Listed]:
    if not signals:
        return []
    return [process for process in listing() if (process.group, process.command) in signals]


def _send(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, what)


def _from_proc(entry: Path) -> Listed | None:
    if not entry.name.isdigit():
        return None
    try:
        command = (entry / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
        group = int((entry / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, ValueError):  # it has ended meanwhile
        return None
    return Listed(int(entry.name), group, command) if command else None  # dead, or the kernel's
