"""What is ours to do where the broker is RabbitMQ."""

from typing import Any

from celery.worker.consumer import Consumer as CelerysConsumer
from django.conf import settings
from kombu import Connection

from config.settings.celery import QUEUES

PATIENCE = 1.0
"""Seconds that a question may take at each step."""


UNUSED = "DelayedDelivery"
"""A step that would declare 28 queues and exchanges for ETAs, which no dispatch of ours has."""


class Consumer(CelerysConsumer):
    """Celery's, without what is unused."""

    class Blueprint(CelerysConsumer.Blueprint):
        """The steps at a worker's start."""

        default_steps = tuple(
            step
            for step in CelerysConsumer.Blueprint.default_steps
            if "DelayedDelivery" not in step
        )


def consumers() -> dict[str, int]:
    """How many workers take from each queue; a queue that nobody has declared yet has none.

    Raises one of amqp's or the socket's errors, after two seconds at most where nothing answers.
    """
    limits = {"read_timeout": PATIENCE, "write_timeout": PATIENCE}
    address = Connection(
        settings.CELERY_BROKER_URL, connect_timeout=PATIENCE, transport_options=limits
    )
    connection = address.transport.establish_connection()  # once: kombu's own tries again
    try:
        return {queue: _consumers_of(queue, connection) for queue in QUEUES}
    finally:
        connection.collect()  # no goodbye, whose answer might not come


def _consumers_of(queue: str, connection: Any) -> int:
    try:
        found: int = connection.channel().queue_declare(queue=queue, passive=True).consumer_count
    except connection.channel_errors:
        return 0
    return found
