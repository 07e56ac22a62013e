"""What waits in the broker, whichever it is: dispatches, which are hints and no jobs."""

from collections.abc import Iterable
from typing import Any

from kombu import Connection


def waiting(queues: Iterable[str] | None = None) -> dict[str, int]:
    """Dispatches that no worker has taken yet, by queue: of these, or of all that are ours.

    Raises what the broker's client raises where it does not answer within its time-outs.
    """
    from config.celery import app  # by name: Celery's "current app" is another one in threads

    asked = [queue.name for queue in app.conf.task_queues] if queues is None else queues
    # One channel for all: each is two connections to a Redis, and a few milliseconds of work. A
    # RabbitMQ closes it where there is no such queue, and its client opens it again at once.
    with app.connection_for_read() as connection, connection.channel() as channel:
        return {name: _length(name, connection, channel) for name in asked}


def _length(name: str, connection: Connection, channel: Any) -> int:
    try:
        length: int = channel.queue_declare(queue=name, passive=True).message_count
    except connection.channel_errors:  # Redis has no empty queues
        return 0
    return length
