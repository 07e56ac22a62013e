"""Second copies of processes, kept alive beside those of the supervisor."""

import threading
import time

from config.embedded.child import Child

PAUSE = 0.1  # seconds between two looks
SHORTEST_LIFE = 0.7  # seconds between two starts, as the supervisor has it


class Keeper(threading.Thread):
    """Starts children again when they die. All starts are its own: the kernel ends a child with
    the thread that started it."""

    def __init__(self) -> None:
        super().__init__(name="keeper", daemon=True)
        self._kept: dict[str, Child] = {}
        self._leaving: list[Child] = []
        self._starts: dict[str, float] = {}
        self._end = threading.Event()
        self._lock = threading.Lock()

    def keep(self, child: Child) -> None:
        """Start this one soon, and again whenever it dies."""
        with self._lock:
            self._kept[child.name] = child

    def let_go(self, name: str) -> None:
        """End this one, with a kill -9, and start it no more; an unknown name changes nothing."""
        with self._lock:
            if child := self._kept.pop(name, None):
                self._leaving.append(child)

    def pids(self) -> dict[str, int]:
        """Those that run, by name."""
        with self._lock:
            return {name: child.pid for name, child in self._kept.items() if child.is_running()}

    def age(self, name: str) -> float:
        """Seconds since its last start; 0 where it does not run."""
        with self._lock:
            child = self._kept.get(name)
            if child is None or name not in self._starts or not child.is_running():
                return 0.0
            return time.monotonic() - self._starts[name]

    def run(self) -> None:
        """Until `stop`."""
        while not self._end.wait(PAUSE):
            self._look()
        for child in [*self._kept.values(), *self._leaving]:
            child.end_group()

    def stop(self) -> None:
        """End them all; without a start there is nothing to end."""
        self._end.set()
        if self.is_alive():
            self.join(10)

    def _look(self) -> None:
        with self._lock:
            kept, leaving, self._leaving = list(self._kept.values()), self._leaving, []
        for child in leaving:
            child.end_group()
        for child in kept:
            last = self._starts.get(child.name, 0.0)
            if not child.is_running() and time.monotonic() - last > SHORTEST_LIFE:
                child.end_group()
                self._starts[child.name] = time.monotonic()
                child.start()
