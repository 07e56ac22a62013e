"""celery-beat, of which any number may run: one sends, the others stand by.

Two plain beats send everything twice. Here each tick first makes sure of a session-level advisory
lock of PostgreSQL. It falls with its holder's connection, whatever ends that, and a stand-by takes
over within a second. The lock needs a session of its own, so it goes past any pooler
(DIRECT_DATABASE_URL).
"""

import logging
from typing import Any

import psycopg
from django.conf import settings
from django_celery_beat.schedulers import DatabaseScheduler

BEAT_LOCK = 0x6F6E6365_62656174  # "oncebeat": any number that no other advisory lock uses
STAND_BY_SECONDS = 1.0
logger = logging.getLogger(__name__)


class SingleScheduler(DatabaseScheduler):
    """django-celery-beat's scheduler behind a lock that one process holds at a time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.lock = SessionLock(settings.DIRECT_DATABASE_URL, BEAT_LOCK)
        self._sends = False
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due if this process holds the lock; returns seconds until the next look."""
        if not self.lock.hold():
            self._sends = False
            return STAND_BY_SECONDS
        if not self._sends:
            self._take_over()
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """Save the state and let the lock go."""
        super().close()
        self.lock.release()

    def setup_schedule(self) -> None:
        """Not at the start: two beats that start at once would write the same rows."""

    def _take_over(self) -> None:
        """Read the schedules anew: what another beat has sent since is written in the tables."""
        logger.info("this beat sends from now on")
        self._schedule = None
        self._initial_read = True
        self._heap_invalidated = True
        super().setup_schedule()
        self._sends = True  # last: where something failed, the next tick begins anew


class SessionLock:
    """A session-level advisory lock on a connection that is used for nothing else."""

    def __init__(self, url: str, key: int) -> None:
        self._url = url
        self._key = key
        self._connection: psycopg.Connection[Any] | None = None

    def hold(self) -> bool:
        """Whether we hold the lock now. Takes it if it is free, notices if its session is gone."""
        try:
            return self._is_held() or self._take()
        except psycopg.Error:
            self.release()
            return False

    def release(self) -> None:
        """End the session, and the lock with it; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_held(self) -> bool:
        if self._connection is None:
            return False
        self._connection.execute("SELECT 1")  # raises where the session is no more
        return True

    def _take(self) -> bool:
        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=2, application_name="beat lock"
        )
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self._key]).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True
