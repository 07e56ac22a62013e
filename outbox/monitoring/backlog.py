"""What waits, handler by handler: how many, and for how long the oldest has been due."""

from dataclasses import dataclass

from django.db import connection

from outbox import handlers

MOST_COUNTED = 10_000
"""Rows that are counted of one kind and handler. The age of the oldest says more than more."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """One handler's waiting messages. Counts end at MOST_COUNTED."""

    handler: str
    queue: str = ""  # "" for a handler that this release does not know
    due: int = 0
    later: int = 0  # waiting for their time: scheduled, or failed and put off
    oldest: float | None = None  # seconds for which the oldest due message has been due


def backlogs() -> list[Backlog]:
    """Of every handler that is declared, or has a message waiting, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, {"most": MOST_COUNTED})
        found = {name: (due, later, age) for name, due, later, age in cursor.fetchall()}
    names = sorted({*handlers.names(), *found})
    return [_backlog(name, *found.get(name, (0, 0, None))) for name in names]


def parked() -> int:
    """How many wait behind an earlier message of their group, of the first MOST_COUNTED waiting."""
    with connection.cursor() as cursor:
        cursor.execute(_PARKED, {"most": MOST_COUNTED})
        return int(cursor.fetchone()[0])


def _backlog(name: str, due: int, later: int, oldest: float | None) -> Backlog:
    known = handlers.find(name)
    return Backlog(
        handler=name, queue=known.queue if known else "", due=due, later=later, oldest=oldest
    )


# From name to name along the index of what is pending, as the relay does.
_BACKLOG = """
    WITH RECURSIVE names AS (
        (SELECT handler FROM outbox_message WHERE state = 'pending' ORDER BY handler LIMIT 1)
        UNION ALL
        SELECT (SELECT handler FROM outbox_message
                WHERE state = 'pending' AND handler > names.handler ORDER BY handler LIMIT 1)
        FROM names WHERE names.handler IS NOT NULL
    )
    SELECT names.handler, due.count, later.count, due.age
    FROM names CROSS JOIN LATERAL (
        SELECT count(*), extract(epoch FROM statement_timestamp() - min(due_at))::float8 AS age
        FROM (SELECT due_at FROM outbox_message
              WHERE state = 'pending' AND handler = names.handler
                AND due_at <= statement_timestamp()
              ORDER BY due_at LIMIT %(most)s) AS counted
    ) AS due CROSS JOIN LATERAL (
        SELECT count(*)
        FROM (SELECT due_at FROM outbox_message
              WHERE state = 'pending' AND handler = names.handler
                AND due_at > statement_timestamp()
              ORDER BY due_at LIMIT %(most)s) AS counted
    ) AS later
    WHERE names.handler IS NOT NULL
"""

_PARKED = """
    SELECT count(*) FILTER (WHERE state = 'parked') FROM (
        SELECT state FROM outbox_message
        WHERE "group" IS NOT NULL AND state IN ('pending', 'parked', 'dead') LIMIT %(most)s
    ) AS waiting
"""
