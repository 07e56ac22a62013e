"""A deaf worker ends itself, and whoever supervises it starts another.

A worker can be alive and take nothing: kombu counts a message as unacknowledged for as long as its
acknowledgement has not gone through, and one that failed with its connection is never tried again.
With a prefetch of one that is the only slot. Nothing is lost, since the rows are in PostgreSQL, but
nothing is done either. Celery's own health checks do not see it.
"""

import logging
import os
import threading
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state
from django.conf import settings

from config import broker

logger = logging.getLogger("config.watchdog")

LOOKS = 3
"""Looks in a row at which a worker must be found deaf."""


class Watchdog(bootsteps.StartStopStep):
    """Looks, in a thread of the worker's main process, whether it still takes what waits."""

    def __init__(self, worker: Any, **_: Any) -> None:
        self.app: Celery = worker.app
        self._received = -1
        self._stopped = threading.Event()

    def start(self, _worker: Any) -> None:
        """Begin to look."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self, _worker: Any) -> None:
        """A worker that is being stopped takes nothing, and is not deaf."""
        self._stopped.set()

    terminate = stop

    def _watch(self) -> None:
        found = 0
        while not self._stopped.wait(settings.WORKER_DEAF_AFTER / LOOKS):
            found = found + 1 if self._is_deaf() else 0
            if found == LOOKS:
                logger.critical("this worker is idle and takes nothing that waits: it ends")
                os._exit(1)  # as if killed, which every job survives; its own stop may hang, too

    def _is_deaf(self) -> bool:
        """Whether it is idle, has received nothing since the last look, and something waits."""
        received, self._received = self._received, sum(state.total_count.values())
        idle = not state.active_requests and not state.reserved_requests
        return received == self._received and idle and self._something_waits()

    def _something_waits(self) -> bool:
        try:
            return any(broker.waiting(self.app.amqp.queues.consume_from).values())
        except Exception as error:  # a broker that does not answer is no reason to end
            logger.warning("the broker does not say what waits", extra={"error": str(error)})
            return False
