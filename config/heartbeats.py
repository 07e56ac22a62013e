"""Workers say each two seconds that they are there, under a key of the broker that soon expires.

Celery's own way to ask is remote control, which a deployment has switched off. Nothing but
/readyz and the pages reads this: work never depends on it.
"""

import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from celery.signals import heartbeat_sent
from django.conf import settings

PREFIX = "onceproof:worker:"
EXPIRES_AFTER = 6  # seconds: three heartbeats
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """A worker that was there within the last six seconds."""

    name: str
    queues: tuple[str, ...]


def record(sender: Any, **_: Any) -> None:
    """Receiver of Celery's `heartbeat_sent` in a worker's main process. Never raises."""
    consumer_queues = sender.eventer.app.amqp.queues.consume_from
    try:
        _client().set(
            PREFIX + sender.eventer.hostname, json.dumps(sorted(consumer_queues)), ex=EXPIRES_AFTER
        )
    except redis.RedisError as error:
        logger.debug("no heartbeat: %s", error)


def workers() -> list[Worker]:
    """Workers seen lately. Raises redis.RedisError after one second."""
    keys = list(_client().scan_iter(match=PREFIX + "*", count=1000))
    queues = _client().mget(keys) if keys else []
    return [
        Worker(name=key.decode().removeprefix(PREFIX), queues=tuple(json.loads(value)))
        for key, value in zip(keys, queues, strict=True)
        if value is not None  # it expired in between
    ]


def connect() -> None:
    """Let this process's worker, if it is one, send heartbeats."""
    heartbeat_sent.connect(record, dispatch_uid="heartbeats")


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=None,  # the next heartbeat is the retry
    )
