"""A worker that lost its broker asks for it again soon, and goes on asking."""

from functools import partial

from celery.worker.consumer import Consumer as CelerysConsumer
from kombu import Connection

_SECONDS_BETWEEN_TRIES = {"interval_start": 0.25, "interval_step": 0.25, "interval_max": 5}
"""Celery has 2, 4, 6 … 30 and no setting: a broker that is back after 2.1 s is found after 6 s."""


class Consumer(CelerysConsumer):
    """What a worker receives with (`CELERY_WORKER_CONSUMER`)."""

    def ensure_connected(self, conn: Connection) -> Connection:
        """Wait until the broker can be reached, however long that takes."""
        asked_soon = partial(conn.ensure_connection, **_SECONDS_BETWEEN_TRIES)
        conn.ensure_connection = asked_soon  # type: ignore[method-assign]
        connected: Connection = super().ensure_connected(conn)
        return connected
