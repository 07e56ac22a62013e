"""Finding processes and harming them, by the numbers that the supervisor wrote down."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

SERVERS = {"postgres": "postgres", "valkey-server": "broker", "sandbox": "provider"}
OTHERS = {"gunicorn": "web", "beat": "beat", "relay": "relay", "flower": "flower"}


def supervised(home: Path) -> dict[str, int]:
    """The main processes of a home by name, such as "web" or "worker-main"."""
    written = json.loads((home / "processes.json").read_text())
    return {_name(command): pid for pid, command, _ in written}


def descendants(pid: int) -> list[int]:
    """All processes below this one, children first; none if it has ended."""
    listed = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    below: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = (int(word) for word in line.split())
        below.setdefault(parent, []).append(child)
    found, next_ones = [], [pid]
    while next_ones:
        next_ones = [child for parent in next_ones for child in below.get(parent, ())]
        found += next_ones
    return found


def send(what: signal.Signals, *pids: int) -> None:
    """Signal these processes; those that have ended meanwhile are passed over."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def is_alive(pid: int) -> bool:
    """Whether the process is there, and not dead with nobody to notice."""
    state = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def _name(command: str) -> str:
    words = command.split()
    if "worker" in words:
        return words[words.index("-n") + 1].removesuffix("@%h")
    names = {Path(word).name for word in words}
    return next(name for program, name in {**SERVERS, **OTHERS}.items() if program in names)
