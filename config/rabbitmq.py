"""What is ours to do where the broker is RabbitMQ."""

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

    Raises one of kombu's or the socket's errors after a few seconds.
    """
    with Connection(
        settings.CELERY_BROKER_URL,
        connect_timeout=PATIENCE,
        transport_options={"read_timeout": PATIENCE, "write_timeout": PATIENCE},
    ) as connection:
        return {queue: _consumers_of(queue, connection) for queue in QUEUES}


def _consumers_of(queue: str, connection: Connection) -> int:
    with connection.channel() as channel:
        try:
            found: int = channel.queue_declare(queue=queue, passive=True).consumer_count
        except connection.channel_errors:
            return 0
        return found
