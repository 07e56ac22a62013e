"""What a dispatch says about itself may be forged: it is noted, or not, and decides nothing."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from outbox import consumer
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.tests.conftest import enqueue


def sent_at(text: object) -> Delivery:
    return Delivery.of(SimpleNamespace(id="task-1", headers={"dispatched_at": text}))


def test_when_a_dispatch_was_sent_is_noted() -> None:
    moment = timezone.now() - timedelta(hours=1)
    assert sent_at(moment.isoformat()).dispatched_at == moment


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", 7, {}, "x", "2026-01-01T00:00:00", "2026-99-01T00:00:00Z"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2000-01-01T00:00:00Z"),
    ],
)
def test_a_moment_at_which_no_dispatch_was_sent_is_not(text: object) -> None:
    assert sent_at(text).dispatched_at is None


def test_no_dispatch_comes_from_the_day_after_tomorrow() -> None:
    text = (timezone.now() + timedelta(days=2)).isoformat()
    assert sent_at(text).dispatched_at is None


def test_a_message_can_be_read_after_a_forged_dispatch(declare: Any, ledger: Any) -> None:
    handler = declare(lambda: ledger.add("effect"))
    message = enqueue()
    consumer.consume(handler, [message.id], sent_at("9999-12-31T23:59:59-12:00"))
    assert Message.objects.get(id=message.id).state == "done"
