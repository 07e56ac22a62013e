"""What scenarios need besides the database: a Redis to lock in, a gateway to call."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.conf import settings

from config.celery import app as celery_app
from races.explorer.celery_broker import MemoryBroker
from races.explorer.redis_points import PointedRedis

broker = MemoryBroker(celery_app, "default")
"""Stands in for the installation's broker while races run; dispatches wait in its queue."""

_LOCK, _TOKENS = "races:lock", "races:tokens"
_SECONDS = 600  # far longer than a schedule takes: it runs out when the schedule says so


@contextmanager
def redis_lock() -> Iterator[int]:
    """A lock in Redis with an owner's token, released by its owner only; 0 where it is taken.

    The token rises with each attempt: it is what a fence needs.
    """
    client = _redis()
    token = int(client.incr(_TOKENS))
    if not client.set(_LOCK, token, nx=True, ex=_SECONDS):
        yield 0
        return
    yield token
    if client.get(_LOCK) == str(token).encode():
        client.delete(_LOCK)


def redis_lock_expires() -> None:
    """The lock's time runs out. Its holder is not told."""
    _redis().delete(_LOCK)


def forget_redis() -> None:
    """Before each schedule."""
    _redis().delete(_LOCK)
    _redis().delete(_TOKENS)


@cache
def _redis() -> Any:
    url = os.environ.get("RACES_REDIS_URL") or settings.CELERY_BROKER_URL
    return PointedRedis.from_url(url, socket_timeout=5)
