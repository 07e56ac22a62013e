"""The processes of one contender: started once, frozen while it is not their turn.

Frozen processes use no CPU, so contenders can take turns within the same minutes without paying
for a start each time, and a backlog can be laid before a run begins.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from config.embedded.child import Child


@dataclass
class Crew:
    """Some processes that work together. A first, uncounted run shows that they are up."""

    children: list[Child]
    frozen: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start all of them."""
        for child in self.children:
            # Should the harness be killed, the kernel sends this, and only this reaches the frozen.
            child.stop_signal = signal.SIGKILL
            child.start()

    def assert_alive(self) -> None:
        """Raise RuntimeError with the log of one that has ended."""
        for child in self.children:
            if not child.is_running():
                log = child.log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{child.name} has ended: {log}")

    def freeze(self, is_idle: Callable[[], bool], patience: float = 30) -> None:
        """Stop them where they hold nothing: a frozen transaction would keep its locks."""
        latest = time.monotonic() + patience
        while not self.frozen:
            self.wait_until(is_idle, latest - time.monotonic())
            self._signal(signal.SIGSTOP)
            self.frozen = True
            if not is_idle() and time.monotonic() < latest:
                self.thaw()

    def wait_until(self, is_idle: Callable[[], bool], patience: float = 30) -> None:
        """Wait for that, so many seconds at most."""
        latest = time.monotonic() + patience
        while not is_idle() and time.monotonic() < latest:
            time.sleep(0.05)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)
        self.frozen = False

    def stop(self) -> None:
        """End them."""
        self.thaw()
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.stop(patience=8)

    def _signal(self, what: signal.Signals) -> None:
        for child in self.children:
            if child.is_running():
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, what)
