"""What tests do to the broker, whichever it is."""

from contextlib import suppress

import redis
from django.conf import settings
from kombu import Connection

from config.settings.celery import QUEUES
from config.settings.rabbitmq import is_meant
from tests.servers import Servers


def empty() -> None:
    """Everything that it knew is gone, and every key in Redis."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushall()
    if is_meant(settings.CELERY_BROKER_URL):
        _purge(settings.CELERY_BROKER_URL)


def refuse_writes(servers: Servers, *, refuse: bool) -> None:
    """Let it take nothing, as one whose disk or memory is full, or take it again."""
    if servers.rabbitmq is not None:
        servers.rabbitmq.refuse_writes(refuse=refuse)
        return
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        # It demands a replica that it does not have: to clients the same as a full disk.
        client.config_set("min-replicas-to-write", int(refuse))


def _purge(broker_url: str) -> None:
    with Connection(broker_url) as connection:
        for name in QUEUES:
            with connection.channel() as channel, suppress(*connection.channel_errors):
                channel.queue_purge(name)
