"""Calls that meet: each in its own thread and on its own connection."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction

Call = Callable[[], Any]


def at_once(*calls: Call) -> list[Any]:
    """Start all calls at one barrier. Returns what each returned, or the exception it raised."""
    barrier = threading.Barrier(len(calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(_run, call, barrier.wait) for call in calls]
        return [_outcome(future) for future in futures]


def behind(first: Call, second: Call, while_blocked: Call = lambda: None) -> Any:
    """Run `first` in a transaction that commits only when `second` waits for one of its locks.

    Meanwhile `while_blocked` may look at what `second` holds by then. Returns what `second`
    returned, or the exception it raised.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            future = pool.submit(_run, second, lambda: None)
            _wait_until_blocked(future)
            while_blocked()
        return _outcome(future)


def _wait_until_blocked(future: Future[Any]) -> None:
    """Wait until PostgreSQL says that somebody waits for this connection."""
    for _ in range(1000):
        if future.done():
            raise AssertionError(f"The call was not held up: {_outcome(future)!r}")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks "
                "WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("Nobody waits for this connection.")


def _run(call: Call, ready: Callable[[], Any]) -> Any:
    try:
        connection.ensure_connection()
        ready()
        return call()
    finally:
        connection.close()


def _outcome(future: Future[Any]) -> Any:
    return future.exception() or future.result()
