"""How PostgreSQL is: who is connected, who waits, how long the oldest transaction has been open."""

from dataclasses import dataclass

from django.db import connection

LONG = 60.0
"""Seconds: a transaction that is open for longer keeps dead rows from being cleaned up."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """The sessions of one kind of process, by the name that it gives itself."""

    name: str
    sessions: int
    busy: int  # in a transaction
    longest: float  # seconds for which the oldest of those has been open


@dataclass(frozen=True, kw_only=True)
class Health:
    """The database at this moment."""

    sessions: int
    most: int
    waiting: int  # for a lock
    oldest: float  # seconds
    size: int  # bytes of the messages, their indexes included
    processes: list[Process]

    @property
    def is_crowded(self) -> bool:
        """Whether the next process may find no connection."""
        return self.sessions > self.most * 0.8

    @property
    def is_held_up(self) -> bool:
        """Whether an old transaction is in the way of cleaning up."""
        return self.oldest > LONG


def health() -> Health:
    """One query; our own session is not counted as busy."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK)
        rows = cursor.fetchall()
    most, size = (rows[0][5], rows[0][6]) if rows else (0, 0)
    return Health(
        sessions=sum(row[1] for row in rows),
        most=most,
        waiting=sum(row[4] for row in rows),
        oldest=max((row[3] for row in rows), default=0.0),
        size=size,
        processes=[
            Process(name=name or "unnamed", sessions=sessions, busy=busy, longest=longest)
            for name, sessions, busy, longest, *_ in rows
        ],
    )


_ASK = """
    SELECT application_name, count(*),
           count(*) FILTER (WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()),
           coalesce(extract(epoch FROM statement_timestamp() - min(xact_start)
                    FILTER (WHERE pid <> pg_backend_pid()))::float8, 0),
           count(*) FILTER (WHERE wait_event_type = 'Lock'),
           current_setting('max_connections')::int,
           pg_total_relation_size('outbox_message')
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
    GROUP BY application_name ORDER BY application_name
"""
