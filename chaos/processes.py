"""Finding processes and harming them, by the numbers that the supervisor wrote down.

Whoever harms one sees that it was harmed: what was dead already, or does not end, is a LookupError.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SERVERS = {"postgres": "postgres", "valkey-server": "broker", "sandbox": "provider"}
FROZEN, DEAD = "T", {"Z", "X"}  # states, as `ps` has them
PATIENCE = 8.0  # seconds: PostgreSQL's immediate shutdown gives its backends five to end
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


def end(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process that lives, and see it end. Raises LookupError, ProcessLookupError."""
    if not is_alive(pid) or (is_frozen(pid) and how != signal.SIGKILL):
        raise LookupError(f"process {pid} is dead, or frozen")  # a frozen one would die later
    os.kill(pid, how)
    _wait_until(lambda: not is_alive(pid), f"process {pid} lives on")


def freeze(*pids: int) -> None:
    """SIGSTOP these, and see them stand still. Raises LookupError where not one of them lives."""
    send(signal.SIGSTOP, *pids)
    try:
        _wait_until(lambda: set(_states(*pids).values()) - DEAD <= {FROZEN}, "they go on")
        if FROZEN not in _states(*pids).values():
            raise LookupError("none of them lives")
    except LookupError:
        send(signal.SIGCONT, *pids)
        raise


def is_alive(pid: int) -> bool:
    """Whether the process is there, and not dead with nobody to notice."""
    return bool(set(_states(pid).values()) - DEAD)


def is_frozen(pid: int) -> bool:
    """Whether it was stopped by a signal."""
    return FROZEN in _states(pid).values()


def _states(*pids: int) -> dict[int, str]:
    """The letter that `ps` has for each of those that are there."""
    listed = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "pid=,stat=", "-p", ",".join(map(str, pids))],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {int(pid): state[0] for pid, state in map(str.split, listed.splitlines())}


def _wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    """Raises LookupError where it does not come true."""
    latest = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > latest:
            raise LookupError(otherwise)
        time.sleep(0.02)


def _name(command: str) -> str:
    words = command.split()
    if "worker" in words:
        return words[words.index("-n") + 1].removesuffix("@%h")
    names = {Path(word).name for word in words}
    return next(name for program, name in {**SERVERS, **OTHERS}.items() if program in names)
