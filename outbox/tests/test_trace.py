"""One trace from the request to the effect, and on to what the effect enqueues."""

from typing import Any

import pytest
from django.db import transaction

import outbox
from outbox import context
from outbox.models import Message
from outbox.tests.conftest import deliver, enqueue

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def effect(declare: Any, ledger: Any) -> Any:
    return declare(lambda **args: ledger.add("effect"))


def test_a_message_carries_the_trace_it_was_made_in() -> None:
    with context.trace(GIVEN):
        alone = enqueue()
        with transaction.atomic():
            (many,) = outbox.enqueue_many("tests.effect", [{}])
    assert alone.traceparent == Message.objects.get(id=many).traceparent == GIVEN


def test_what_an_effect_enqueues_continues_its_trace(declare: Any) -> None:
    first = declare(lambda: outbox.enqueue("tests.effect", args={}) and None, name="tests.chain")
    with context.trace(GIVEN):
        message = enqueue(handler="tests.chain")
    deliver(first, message)
    follower = Message.objects.get(handler="tests.effect")
    assert (follower.traceparent, follower.operation_id) == (GIVEN, message.operation_id)


def test_without_one_the_operation_is_the_trace() -> None:
    message = enqueue()
    assert context.TRACEPARENT.fullmatch(message.traceparent)
    assert message.operation_id.hex in message.traceparent


def test_a_tracer_knows_better() -> None:
    context.set_tracer(lambda: GIVEN)
    try:
        assert enqueue().traceparent == GIVEN
    finally:
        context.set_tracer(str)


@pytest.mark.parametrize(
    "forged", ["", "x", GIVEN + "0", GIVEN.upper(), f"00-{'0' * 32}{GIVEN[35:]}"]
)
def test_what_is_no_trace_is_ignored(forged: str) -> None:
    with context.trace(forged):
        assert enqueue().traceparent != forged
