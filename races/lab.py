"""What scenarios need besides the database: a Redis to lock in, a gateway to call."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.models import F

from config.celery import app as celery_app
from outbox.models import Message
from races.explorer import point
from races.explorer.celery_broker import MemoryBroker
from races.explorer.redis_points import PointedRedis
from races.models import Account, Effect, Receipt

broker = MemoryBroker(celery_app, "default")
"""Stands in for the installation's broker while races run; dispatches wait in its queue."""

_LOCK, _TOKENS = "races:lock", "races:tokens"
COMPARE_AND_DELETE = """
    local held = redis.call('get', KEYS[1])
    if held == ARGV[1] then
        redis.call('del', KEYS[1])
        return held
    end
"""
"""Says which token it has deleted: without its condition it says another's, and is found out."""

_SECONDS = 600  # far longer than a schedule takes: it runs out when the schedule says so


@contextmanager
def redis_lock() -> Iterator[int]:
    """A lock in Redis with an owner's token, released by its owner only; 0 where it is taken.

    The token rises with each attempt: it is what a fence needs.
    """
    client = redis()
    token = int(client.incr(_TOKENS))
    if not client.set(_LOCK, token, nx=True, ex=_SECONDS):
        yield 0
        return
    yield token
    if client.get(_LOCK) == str(token).encode():
        client.delete(_LOCK)


def redis_lock_expires() -> None:
    """The lock's time runs out. Its holder is not told."""
    redis().delete(_LOCK)


def forget_redis() -> None:
    """Before each schedule."""
    redis().delete(_LOCK)
    redis().delete(_TOKENS)


def lock_and_work(*, by_owner: bool) -> None:
    """Take the lock, work, release it; note in the database if it was another's by then."""
    client = redis()
    token = int(client.incr(_TOKENS))
    if not client.set(_LOCK, token, nx=True, ex=_SECONDS):
        return
    Account.objects.filter(pk=1).update(credits=F("credits") + 1)
    if _release(client, token, by_owner=by_owner) not in (0, token):
        Effect.objects.create(operation="released another's lock")


def _release(client: Any, token: int, *, by_owner: bool) -> int:
    """Delete the lock; return the token that was in it, 0 where none was deleted."""
    if by_owner:
        return int(client.eval(COMPARE_AND_DELETE, 1, _LOCK, token) or 0)
    return int(client.getdel(_LOCK) or 0)


def redeliver(handler: str) -> None:
    """Two dispatches of one message, in the broker."""
    broker.empty()
    ids = [str(message.id) for message in Message.objects.filter(handler=handler)]
    for _ in range(2):
        celery_app.tasks[handler].apply_async(args=[ids], queue=broker.queue)


def let_in(token: int) -> None:
    """Note, in the transaction that writes, with which fencing token it does."""
    Receipt.objects.create(operation=f"token {token}")


def assert_tokens_rise() -> None:
    """Nobody has written with an older token than one that was let in before."""
    noted = Receipt.objects.order_by("pk").values_list("operation", flat=True)
    tokens = [int(each.removeprefix("token ")) for each in noted]
    for before, after in pairwise(tokens):
        assert before < after, f"token {before} was let in, and token {after} after it"


shelf: list[int] = []
"""A broker so small that it can lose nothing: what is published lies there at once."""


def forget_shelf() -> None:
    """Before each schedule."""
    shelf.clear()


class _Pooler:
    """One server connection for everybody, as a pooler in transaction mode hands it round."""

    @contextmanager
    def open(self) -> Iterator[None]:
        parameters = connections["default"].get_connection_params()
        names = ("host", "port", "user", "password", "dbname")
        wanted = {name: parameters[name] for name in names if parameters.get(name)}
        self._server = psycopg.connect(**wanted, autocommit=True)
        try:
            yield
        finally:
            self._server.close()

    def ask(self, sql: str) -> Any:
        """Run one statement on the shared connection."""
        point(f"{sql} (through the pooler)", "pooler")
        row = self._server.execute(sql).fetchone()
        return row[0] if row else None


pooler = _Pooler()


@cache
def redis() -> Any:
    """A client of the Redis that stands beside the races; each command is a step."""
    url = os.environ.get("RACES_REDIS_URL") or settings.REDIS_URL
    return PointedRedis.from_url(url, socket_timeout=5)
