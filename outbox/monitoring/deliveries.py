"""What became of each delivery: counted, and told in the story of the message that it named.

A Celery task that finds its message taken or done goes home. That is how exactly once looks from
the broker's side, so it is worth seeing. The receiver runs after the consumer's commit; what it
fails to write is lost, and nothing follows from it.
"""

import logging
import threading
import time
from collections import Counter
from typing import Any
from uuid import UUID

from celery.signals import task_success, worker_process_shutdown
from django.db import connection

from outbox import handlers

logger = logging.getLogger("outbox.deliveries")

WRITTEN_EVERY = 2.0
"""Seconds between two writes of a busy process: under load one statement stands for thousands."""

MOST_TOLD = 20
"""Refusals that one process tells of, message by message, between two writes."""


def connect() -> None:
    """Listen in this process, if it is a worker. A second call changes nothing."""
    task_success.connect(received, dispatch_uid="outbox.deliveries")
    worker_process_shutdown.connect(_write_rest, dispatch_uid="outbox.deliveries")


def received(sender: Any, result: Any, **_: Any) -> None:
    """Receiver of Celery's `task_success`: one dispatch has been dealt with. Never raises."""
    if handlers.find(getattr(sender, "name", "")) is None or not isinstance(result, dict):
        return
    try:
        refused = int(result.get("refused", 0))
        if refused and _counts.may_tell():
            _tell(sender.request, refused)
        if due := _counts.add(sender.name, refused):
            _write(due)
    except Exception:  # figures must never fail a job that is done
        logger.warning("a delivery was not counted", exc_info=True)


class _Counts:
    """Deliveries and refusals by handler, not written yet; threads of one process share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deliveries: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._written, self._told = float("-inf"), 0

    def may_tell(self) -> bool:
        """Whether one more refusal may be told of by itself."""
        with self._lock:
            self._told += 1
            return self._told <= MOST_TOLD

    def add(self, handler: str, refused: int) -> list[tuple[str, int, int]]:
        """Count one. Returns what is to be written now, if it is time."""
        with self._lock:
            self._deliveries[handler] += 1
            self._refused[handler] += refused
            return self._take() if time.monotonic() - self._written >= WRITTEN_EVERY else []

    def rest(self) -> list[tuple[str, int, int]]:
        """All that is not written."""
        with self._lock:
            return self._take()

    def _take(self) -> list[tuple[str, int, int]]:
        # Sorted: all who write, `measure` among them, take the rows in one order.
        taken = [(name, n, self._refused[name]) for name, n in sorted(self._deliveries.items())]
        self._deliveries.clear()
        self._refused.clear()
        self._written, self._told = time.monotonic(), 0
        return taken


_counts = _Counts()


def _write_rest(**_: Any) -> None:
    if rest := _counts.rest():
        _write(rest)


def _write(rows: list[tuple[str, int, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_COUNT, rows)


def _tell(request: Any, refused: int) -> None:
    """Which of the dispatch's messages it did not run: those that no trace of it is on."""
    ids = []
    for one in (request.args or [[]])[0][:MOST_TOLD]:
        try:
            ids.append(UUID(str(one)))
        except ValueError:
            continue
    with connection.cursor() as cursor:
        cursor.execute(_TELL, {"ids": ids, "task": request.id, "worker": request.hostname or ""})


_COUNT = """
    INSERT INTO outbox_minute AS kept
        (minute, handler, deliveries, refused, created, done, failed, crashed, snoozed, dead,
         ended, redriven, latency_sum, run_sum, latencies)
    VALUES (date_trunc('minute', now()), %s, %s, %s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            array_fill(0::bigint, ARRAY[16]))
    ON CONFLICT (minute, handler) DO UPDATE SET
        deliveries = kept.deliveries + excluded.deliveries,
        refused = kept.refused + excluded.refused
"""

_TELL = """
    INSERT INTO outbox_event (message_id, kind, at, attempt, error, worker, task_id, actor)
    SELECT id, 'refused', clock_timestamp(), attempts,
           CASE state WHEN 'done' THEN 'Its effect has happened already.'
                      WHEN 'pending' THEN 'It is being run, has run before, or is not due.'
                      ELSE 'It is ' || state || '.' END, %(worker)s, %(task)s, ''
    FROM outbox_message AS message
    WHERE id = ANY(%(ids)s) AND task_id <> %(task)s AND NOT EXISTS (
        SELECT 1 FROM outbox_event WHERE message_id = message.id AND task_id = %(task)s)
"""
