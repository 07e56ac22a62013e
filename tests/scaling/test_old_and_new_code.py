"""A rolling deploy: each release finds messages and dispatches of the other, and loses none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

import outbox
from config.celery import app
from outbox import consumer, dispatch, handlers, relay
from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.models import Message
from outbox.tally import Tally
from tests.pricing.shop import make_product, price_of, schedule
from tests.stack import Stack

NAME = "tests.greet"


@pytest.fixture
def done(transactional_db: None) -> list[str]:
    """What was greeted."""
    return []


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The handlers for which a dispatch was sent."""
    names: list[str] = []

    def note(handler: Handler, *_: Any, **__: Any) -> bool:
        names.append(handler.name)
        return True

    monkeypatch.setattr(dispatch, "send", note)
    return names


@contextmanager
def release(**functions: Callable[..., None]) -> Iterator[None]:
    """A process whose code has these handlers and no others."""
    known = dict(handlers._registry)
    handlers._registry.clear()
    try:
        for name, function in functions.items():
            handlers.handler(f"tests.{name}")(function)
        yield
    finally:
        handlers._registry.clear()
        handlers._registry.update(known)


def enqueue(**args: Any) -> Message:
    """A message for the greeter, due for long enough to be seen by a relay."""
    with transaction.atomic():
        message_id = outbox.enqueue(NAME, args=args).message_id
    return make_due(Message.objects.get(pk=message_id))


def make_due(message: Message) -> Message:
    """Let its time have come a second ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_message SET due_at = now() - interval '1 second'")
    message.refresh_from_db()
    return message


def deliver() -> Tally:
    """What a worker does with a relay's dispatch."""
    return consumer.consume(handlers.get(NAME), [], Delivery.here())


def test_old_code_leaves_a_new_handlers_message_alone(
    done: list[str], rung: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def greet(*, name: str) -> None:
        done.append(name)

    with release(greet=greet):
        message = enqueue(name="Anna")
    rung.clear()  # the dispatch of the commit is lost: no old worker knows its task
    with release(another=lambda: None):
        assert relay.run_once().dispatched == 0
    assert "messages are due that no handler knows" in caplog.text
    message.refresh_from_db()
    assert (message.state, message.attempts, message.crashes) == ("pending", 0, 0)
    with release(greet=greet):
        assert relay.run_once().dispatched == 1
        assert rung == [NAME]
        assert deliver().done == 1
    assert done == ["Anna"]


def test_an_argument_that_old_code_does_not_know_waits_for_new_code(
    done: list[str], rung: list[str]
) -> None:
    def greet(*, name: str) -> None:
        done.append(name)

    def greet_politely(*, name: str, title: str = "") -> None:
        done.append(f"{title} {name}".strip())

    with release(greet=greet_politely):
        message = enqueue(name="Anna", title="Dr.")
    with release(greet=greet):
        assert deliver().failed == 1
    make_due(message)
    assert (message.state, message.attempts) == ("pending", 1)
    assert "unexpected keyword argument 'title'" in message.last_error
    with release(greet=greet_politely):
        assert deliver().done == 1
    assert done == ["Dr. Anna"]


def test_an_argument_that_old_code_did_not_send_has_a_default(
    done: list[str], rung: list[str]
) -> None:
    with release(greet=lambda *, name: done.append(name)):
        enqueue(name="Anna")
    with release(greet=lambda *, name, title="Mx.": done.append(f"{title} {name}")):
        assert deliver().done == 1
    assert done == ["Mx. Anna"]


def test_a_worker_outlives_dispatches_that_it_cannot_read(stack: Stack) -> None:
    """A task of the next release, ids of another shape, an argument more: none is the work."""
    make_product()
    worker = stack.worker(concurrency=1)
    handler = handlers.get("pricing.apply_reduction")
    sent: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("next.release", [], {}),
        (handler.name, [{"ids": []}], {}),
        (handler.name, [["no id"], "and more"], {}),
        (handler.name, [[]], {"begin_at": "another shape"}),
    ]
    for name, args, kwargs in sent:
        app.send_task(name, args, kwargs, queue=handler.queue, ignore_result=True)
    schedule()
    stack.wait_until(lambda: price_of() == "9.00", timeout=90, why=worker)
    last = "unexpected keyword argument 'begin_at'"
    stack.wait_until(lambda: last in worker.log.read_text(), timeout=60, why=worker)
    assert "next.release" in worker.log.read_text()
    assert worker.is_running()
