"""Keeping processes alive, and ending them together."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from config.embedded.child import Child

SHORTEST_LIFE = 0.7  # seconds between two starts: what dies is back within one, for ever
PATIENCE = 9.0  # seconds for processes, then again half of it for servers: 20 in all at most


@dataclass
class Watch:
    """The processes of one supervisor."""

    started: Callable[[], None]  # called after every start
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    _last_start: dict[str, float] = field(default_factory=dict)

    def add(self, child: Child) -> None:
        """Start a process and look after it from now on."""
        self.children.append(child)
        self._start(child)

    def look(self) -> None:
        """Start again what has died, however often it does."""
        for child in self.children:
            if not child.is_running() and self._may_start(child):
                self.say(f"{child.name} died{_how(child)}; starting it again.")
                child.end_group()  # what it left behind, before it gets in the way
                self._start(child)

    def stop(self, children: list[Child], patience: float = PATIENCE) -> None:
        """End these, all at once; whatever is left after `patience` seconds is killed."""
        for child in children:
            child.ask_to_stop()
        latest = time.monotonic() + patience
        for child in children:
            child.wait_until_ended(latest)
            if child.is_running():
                self.say(f"{child.name} did not end in time; killing it.")
            child.end_group()

    def _start(self, child: Child) -> None:
        self._last_start[child.name] = time.monotonic()
        child.start()
        self.started()

    def _may_start(self, child: Child) -> bool:
        return time.monotonic() - self._last_start[child.name] >= SHORTEST_LIFE


def _how(child: Child) -> str:
    code = child.process.returncode if child.process else None
    if code is None:
        return ""
    return f" (signal {-code})" if code < 0 else f" (exit code {code}, see {child.log})"
