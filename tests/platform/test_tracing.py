"""One trace from the request to the effect and on; errors and dead letters to Sentry; both off
unless asked for."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import outbox
from config import sentry, tracing
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.models import Message
from tests.accounts.people import make_user
from tests.pricing.shop import make_product

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

BISCUIT = "".join(["bis", "cuit"])  # in no line of source, which Sentry is sent


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbox.dispatch.send", lambda *_, **__: True)


@pytest.fixture
def spans() -> Iterator[Callable[[], list[ReadableSpan]]]:
    exporter = InMemorySpanExporter()
    provider = tracing.follow(SimpleSpanProcessor(exporter))
    yield lambda: list(exporter.get_finished_spans())
    tracing.stop()
    provider.shutdown()


@pytest.fixture
def declare() -> Iterator[Callable[..., Handler]]:
    known = dict(handlers._registry)
    yield lambda function, name, **more: handlers.handler(name, **more)(function)
    handlers._registry.clear()
    handlers._registry.update(known)


def work_off(handler: str) -> None:
    consumer.consume(handlers.get(handler), [], Delivery(worker="w"))


def test_one_trace_leads_from_the_request_to_the_effect(
    spans: Callable[[], list[ReadableSpan]],
) -> None:
    make_product()
    client = Client()
    client.force_login(make_user("operator"))
    sent = {"target": "BOOK", "kind": "percent", "value": "10", "key": "k-1"}
    client.post("/reductions/new/", sent, headers={"traceparent": GIVEN})
    if not Message.objects.exists():  # the form's own names are pricing's business
        from tests.pricing.shop import schedule

        with tracing._tracer.start_as_current_span("POST", context=tracing._parent(GIVEN)):
            schedule()
    work_off("pricing.apply_reduction")
    of_trace = [span for span in spans() if f"{span.context.trace_id:032x}" == GIVEN[3:35]]
    request, run = of_trace[-2:]
    assert request.name.startswith("POST")
    assert run.name == "pricing.apply_reduction"
    assert run.parent is not None
    assert run.parent.span_id == request.context.span_id
    message = Message.objects.get()
    assert message.state == "done"
    assert run.attributes["messaging.message.id"] == str(message.pk)
    assert run.attributes["outbox.operation_id"] == str(message.operation_id)


def test_what_an_effect_enqueues_is_its_child_and_a_failure_is_told(
    spans: Callable[[], list[ReadableSpan]], declare: Callable[..., Handler]
) -> None:
    def fails() -> None:
        raise outbox.Fatal("it is gone")

    declare(fails, "tests.second")
    declare(lambda: outbox.enqueue("tests.second", args={}) and None, "tests.first")
    with transaction.atomic():
        outbox.enqueue("tests.first", args={})
    work_off("tests.first")
    work_off("tests.second")
    first, second = spans()
    assert second.parent is not None
    assert second.parent.span_id == first.context.span_id
    assert second.status.status_code.name == "ERROR"
    assert "it is gone" in str(second.events[0].attributes)


def test_a_batch_is_linked_to_the_traces_of_its_messages(
    spans: Callable[[], list[ReadableSpan]], declare: Callable[..., Handler]
) -> None:
    declare(lambda messages: None, "tests.batch", batch_size=10)
    with transaction.atomic():
        for _ in range(3):
            outbox.enqueue("tests.batch", args={})
    work_off("tests.batch")
    (span,) = spans()
    linked = {f"{link.context.trace_id:032x}" for link in span.links}
    assert linked == {one.traceparent[3:35] for one in Message.objects.all()}
    assert span.attributes["messaging.batch.message_count"] == 3


def test_off_nothing_of_it_is_imported() -> None:
    asked = (
        "import django; django.setup(); import config.urls, sys;"
        "print(sorted({'opentelemetry.exporter.otlp', 'sentry_sdk'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**__import__("os").environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture
def reported(settings: Any) -> Iterator[list[Any]]:
    """What Sentry was sent, without a network."""
    import logging

    import sentry_sdk
    from sentry_sdk.transport import Transport

    caught: list[Any] = []

    class Caught(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            caught.extend(item.payload.json for item in envelope.items)

    settings.SENTRY_DSN = "https://public@sentry.invalid/1"
    sentry.start(transport=Caught)
    yield caught
    sentry_sdk.init()
    endings = logging.getLogger("outbox.endings")
    endings.handlers = [one for one in endings.handlers if not isinstance(one, sentry.DeadLetters)]


def test_a_dead_letter_is_an_error_and_a_retry_is_none(
    reported: list[Any], declare: Callable[..., Handler]
) -> None:
    def fails(*, how: str) -> None:
        raise getattr(outbox, how)("no answer from +15005550006")

    declare(fails, "tests.fails")
    with transaction.atomic():
        outbox.enqueue("tests.fails", args={"how": "Transient"})
    work_off("tests.fails")
    assert reported == []
    with transaction.atomic():
        dead = outbox.enqueue("tests.fails", args={"how": "Fatal"})
    work_off("tests.fails")
    (event,) = [one for one in reported if one.get("level") == "error"]
    told = str(event)
    assert "Dead letter: tests.fails" in told
    assert str(dead.message_id) in told
    assert "5005550006" not in told


def test_an_error_of_a_page_is_sent_without_what_was_typed(
    reported: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("broken for +15005550006")

    monkeypatch.setattr("config.pages._counts", breaks)
    client = Client(raise_request_exception=False)
    client.force_login(make_user("viewer"))
    client.cookies["secret"] = BISCUIT
    client.get(f"/?password={BISCUIT}")
    told = str(reported)
    assert "RuntimeError" in told
    for secret in ("5005550006", BISCUIT):
        assert secret not in told
