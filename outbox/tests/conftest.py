"""Fixtures of the outbox's own tests. They need PostgreSQL and pytest-django, and no broker."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from outbox import consumer, dispatch, handlers
from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.models import Message
from outbox.reconciliation import checks, register
from outbox.tally import Tally
from outbox.tests.numbers import Nothing, Numbers

HERE = Delivery(worker="test:1", task_id="task-1")

AN_HOUR = timedelta(hours=1)
"""A back-off that is drawn from an hour is not over within the test, or once in a million."""


@pytest.fixture
def unlogged() -> Iterator[None]:
    """pytest-xdist cannot carry half a character, and so no captured log that has one."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


class Ledger:
    """A table of effects, as a business app would have one."""

    def __init__(self) -> None:
        self.execute("CREATE TABLE IF NOT EXISTS test_ledger (id serial PRIMARY KEY, what text)")
        self.execute("TRUNCATE test_ledger")

    def execute(self, sql: str, params: list[Any] | None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)

    def add(self, what: str) -> None:
        """The effect that must happen exactly once."""
        self.execute("INSERT INTO test_ledger (what) VALUES (%s)", [what])

    def all(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT what FROM test_ledger ORDER BY id")
            return [what for (what,) in cursor.fetchall()]


@pytest.fixture
def ledger(transactional_db: None) -> Iterator[Ledger]:
    book = Ledger()
    yield book
    book.execute("DROP TABLE test_ledger")


@pytest.fixture
def declare() -> Iterator[Callable[..., Handler]]:
    """Declare handlers that are forgotten after the test."""
    known = dict(handlers._registry)

    def add(function: Callable[..., Any], name: str = "tests.effect", **options: Any) -> Handler:
        options.setdefault("retry", handlers.Retry(base=AN_HOUR, cap=AN_HOUR))
        handlers._registry.pop(name, None)
        return handlers.handler(name, **options)(function)

    yield add
    handlers._registry.clear()
    handlers._registry.update(known)


really_send = dispatch.send


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What would have been published: dispatches are hints, so the tests deliver as they please."""
    published: list[tuple[str, list[str]]] = []

    def note(handler: Handler, ids: Any = (), begin: Any = None) -> bool:
        published.append((handler.name, [str(one) for one in ids]))
        return True

    monkeypatch.setattr(dispatch, "send", note)
    return published


def enqueue(**options: Any) -> Message:
    """Enqueue in a transaction of its own and return the message."""
    from outbox.enqueueing import enqueue as real

    with transaction.atomic():
        enqueued = real(
            options.pop("handler", "tests.effect"), args=options.pop("args", {}), **options
        )
    return Message.objects.get(id=enqueued.message_id)


def deliver(handler: Handler, *messages: Message) -> Tally:
    """What a worker does when a dispatch with these messages arrives; without any, a relay's."""
    return consumer.consume(handler, [message.id for message in messages], HERE)


def drain(handler: Handler) -> int:
    """Deliver dispatches without ids until nothing is due. Returns how many messages were done."""
    done = 0
    while tally := deliver(handler).done:
        done += tally
    return done


def another_session() -> Any:
    """A session of its own on the same database, as a context manager."""
    current = connection.connection
    return type(current).connect(
        current.info.dsn, password=connection.settings_dict["PASSWORD"], autocommit=True
    )


def make_due(*messages: Message) -> None:
    """Let their time have come."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_message SET due_at = now() - interval '1 second' WHERE id = ANY(%s)",
            [[message.id for message in messages]],
        )


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Numbers:
    """The only checks that are registered: this one, and one that finds nothing."""
    check = Numbers()
    monkeypatch.setattr(checks, "_checks", {})
    register(check)
    register(Nothing())
    return check
