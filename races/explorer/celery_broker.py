"""Real Celery tasks inside an exploration. Needs Celery; the rest of the explorer does not.

Messages go through kombu's in-memory transport and are run by Celery's own request and tracer.
Publishing, receiving and acknowledging are points of the schedule: a process may die at each. What
a dead process had not acknowledged goes back to its queue, as a broker does it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from celery import Celery
from celery.signals import before_task_publish
from celery.worker.request import Request
from kombu import Connection
from kombu.transport.memory import Channel

from .points import point

_URL = "memory://"


class MemoryBroker:
    """A broker inside this process, in place of the application's own."""

    def __init__(self, app: Celery, queue: str) -> None:
        """Deliveries come from ``queue``; whatever the application publishes stays in memory."""
        self.app = app
        self.queue = queue

    @contextmanager
    def installed(self) -> Iterator["MemoryBroker"]:
        """Publish to memory for as long as the context lasts."""
        before = self.app.conf.broker_url
        self._use(_URL)
        before_task_publish.connect(_at_publish, weak=False)
        try:
            yield self
        finally:
            before_task_publish.disconnect(_at_publish)
            self._use(before)

    def empty(self) -> None:
        """Forget every message: before each schedule."""
        for queue in Channel.queues.values():
            queue.queue.clear()

    def waiting(self) -> int:
        """Messages in the queue."""
        queue = Channel.queues.get(self.queue)
        return queue.qsize() if queue else 0

    def worker(self) -> Callable[[], Any]:
        """A callable that takes one message, if there is one, and runs its task to its end."""

        def take_one() -> Any:
            point("take a message", "broker")
            with Connection(_URL) as connection, connection.channel() as channel:
                try:
                    message = channel.basic_get(self.queue)
                except Empty:
                    message = None
                return self._run(message) if message is not None else None

        return take_one

    def _run(self, message: Any) -> Any:
        def acknowledge(*_: Any) -> None:
            point("acknowledge", "broker")
            message.ack()

        task = self.app.tasks[message.headers["task"]]
        request = Request(message, app=self.app, task=task, on_ack=acknowledge, hostname="race")
        try:
            return request.execute()
        finally:
            if not message.acknowledged:  # its worker is dead: what brokers do then
                message.requeue()

    def _use(self, url: str) -> None:
        self.app.conf.broker_url = url
        self.app.conf.broker_write_url = self.app.conf.broker_read_url = url
        self.app.amqp._producer_pool = None
        self.app._pool = None


def _at_publish(sender: Any = None, **_: Any) -> None:
    point(f"publish {sender}", "broker")
