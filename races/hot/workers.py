"""The Celery workers of one hot run: real ones of this installation, on a queue of their own."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.celery import app
from config.embedded.child import Child, python

PATIENCE = 40.0
"""Seconds until the workers are there."""


class WorkersDidNotStart(RuntimeError):
    """Celery said nothing of being ready in time; the message holds the end of its log."""


@contextmanager
def working(queue: str, count: int, tick: Callable[[], None]) -> Iterator[None]:
    """A Celery worker with ``count`` processes on ``queue``; ended, with its queue, afterwards."""
    with tempfile.TemporaryDirectory(prefix="onceproof-hot-") as folder:
        worker = Child(queue, python(*_command(queue, count)), Path(folder) / "worker.log")
        worker.environment = {"PROCESS_NAME": queue}
        worker.start()
        try:
            _wait_until_ready(worker, tick)
            yield
        finally:
            worker.stop(patience=3)
            with app.connection_for_write() as connection:
                connection.default_channel.queue_delete(queue)


def _command(queue: str, count: int) -> list[str]:
    return [
        *("-m", "celery", "-A", "config", "--skip-checks", "worker", "-n", f"{queue}@%h"),
        *("--without-gossip", "--without-mingle", "-l", "INFO"),
        *("-Q", queue, "--pool", "prefork", "--concurrency", str(count)),
    ]


def _wait_until_ready(worker: Child, tick: Callable[[], None]) -> None:
    latest = time.monotonic() + PATIENCE
    while True:
        said = worker.log.read_text(errors="replace")
        if " ready." in said:
            return
        if not worker.is_running() or time.monotonic() > latest:
            raise WorkersDidNotStart(f"The workers did not start: {said[-500:]}")
        tick()
        time.sleep(0.1)
