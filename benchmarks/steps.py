"""Time by the name of a step: by the clock, and CPU of this thread and of its backend."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from benchmarks.machine import running_seconds


class Steps:
    """Seconds of each step, in the order in which they were first taken."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.thread: defaultdict[str, float] = defaultdict(float)
        self.backend: defaultdict[str, float] = defaultdict(float)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (self._pid,) = cursor.fetchone()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add what is inside to this step."""
        backend, thread = running_seconds(self._pid), time.thread_time()
        began = time.perf_counter()
        yield
        self.wall[name] += time.perf_counter() - began
        self.thread[name] += time.thread_time() - thread
        self.backend[name] += running_seconds(self._pid) - backend


def execute(statement: str) -> None:
    """One statement without a result, such as BEGIN."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
