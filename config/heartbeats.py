"""Workers say each two seconds that they are there, under a key of the broker that soon expires.

Celery's own way to ask is remote control, which a deployment has switched off. RabbitMQ keeps no
keys: there the names are in the Redis of REDIS_URL and, without one, only the consumers of each
queue are counted. Nothing but /readyz and the pages reads this: work never depends on it.
"""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import redis
from celery.signals import heartbeat_sent
from celery.worker import state
from django.conf import settings

from config.settings import rabbitmq

PREFIX = "onceproof:worker:"
EXPIRES_AFTER = 6  # seconds: three heartbeats
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """A worker that was there within the last six seconds."""

    name: str
    queues: tuple[str, ...]
    tasks: tuple["Task", ...] = field(default=())


@dataclass(frozen=True)
class Task:
    """A Celery task that a worker was running when it last told."""

    name: str
    id: str
    pid: int
    since: datetime


def record(sender: Any, **_: Any) -> None:
    """Receiver of Celery's `heartbeat_sent` in a worker's main process. Never raises."""
    queues = sorted(sender.eventer.app.amqp.queues.consume_from)
    told = json.dumps({"queues": queues, "tasks": _running()})
    try:
        _client().set(PREFIX + sender.eventer.hostname, told, ex=EXPIRES_AFTER)
    except redis.RedisError as error:
        logger.debug("no heartbeat: %s", error)


def workers() -> list[Worker]:
    """Workers seen lately. Raises redis.RedisError or one of kombu's errors after some seconds."""
    if not rabbitmq.is_meant(settings.CELERY_BROKER_URL):
        return _named()
    counted = _counted()  # asks the broker itself, whose absence the names would not tell at once
    try:
        return _named() if settings.HEARTBEATS_URL else counted
    except redis.RedisError:
        return counted


def _counted() -> list[Worker]:
    """What RabbitMQ knows: how many take from a queue."""
    from config.rabbitmq import consumers  # Celery's consumer comes with it

    return [
        Worker(name=f"{queue} {number}", queues=(queue,))
        for queue, count in consumers().items()
        for number in range(1, count + 1)
    ]


def _named() -> list[Worker]:
    keys = list(_client().scan_iter(match=PREFIX + "*", count=1000))
    queues = _client().mget(keys) if keys else []
    return [
        _worker(key.decode().removeprefix(PREFIX), json.loads(value))
        for key, value in zip(keys, queues, strict=True)
        if value is not None  # it expired in between
    ]


def connect() -> None:
    """Let this process's worker, if it is one, send heartbeats, where there is a place for them."""
    if settings.HEARTBEATS_URL:
        heartbeat_sent.connect(record, dispatch_uid="heartbeats")


def _running() -> list[tuple[str, str, int, float]]:
    """What Celery says that this worker runs, with the time at which it began."""
    return [
        (request.name, request.id, request.worker_pid or 0, request.time_start or 0.0)
        for request in list(state.active_requests)
    ]


def _worker(name: str, told: Any) -> Worker:
    """As a worker told it; one of an older release told its queues alone."""
    if isinstance(told, list):
        return Worker(name=name, queues=tuple(told))
    tasks = (
        Task(name=task, id=task_id, pid=pid, since=datetime.fromtimestamp(at, UTC))
        for task, task_id, pid, at in told["tasks"]
    )
    return Worker(name=name, queues=tuple(told["queues"]), tasks=tuple(tasks))


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.HEARTBEATS_URL,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=None,  # the next heartbeat is the retry
    )
