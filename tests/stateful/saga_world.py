"""A shop with the real sandbox behind it, and the messages of its orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Q

from orders.engine import calling, results
from orders.models import Order, SagaAttempt, SagaRun
from outbox import claims, dispatch, execution, handlers, runs
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.tally import Tally
from tests.orders.shop import make_due, shop_at
from tests.sandbox.process import SandboxProcess

numbers = count()
"""Of products: ledgers are append-only, so each example has goods and orders of its own."""

shops: list[SandboxProcess] = []
"""The sandbox of the test at hand."""

KINDS = ("rate_limited", "error_before", "error_after", "reply_lost", "outage", "refused")
OPERATIONS = (
    *("payments create", "payments confirm", "payments capture", "payments cancel"),
    *("payments retrieve", "shipping create", "shipping cancel", "payments refund"),
)
FAULTS = [f"{operation} {kind}" for operation in OPERATIONS for kind in KINDS]
NEXT = {
    # what may follow each status of an order
    "placed": {"placed", "cancelling", "shipped", "cancelled", "needs_person"},
    "cancelling": {"cancelling", "cancelled", "needs_person"},
    "needs_person": {"needs_person", "placed", "cancelling", "shipped", "cancelled"},
    "shipped": {"shipped"},
    "cancelled": {"cancelled"},
}


def messages_of(order_id: UUID, *states: str) -> list[Message]:
    """The messages of an order's sagas in these states, in the order in which they are due."""
    sagas = SagaRun.objects.filter(order=order_id).values_list("pk", flat=True)
    attempts = SagaAttempt.objects.filter(step__run__order=order_id).values_list("pk", flat=True)
    theirs = Q(args__run_id__in=[str(one) for one in sagas])
    theirs |= Q(args__attempt_id__in=[str(one) for one in attempts])
    return list(Message.objects.filter(theirs, state__in=states).order_by("due_at", "id"))


def run(message: Message) -> None:
    """Let its time have come (and the lease be over whose end it waits for); run it, no other."""
    make_due(message)
    handler, here, tally = handlers.get(message.handler), Delivery.here(), Tally()
    if not (message.attempts or message.crashes or message.alone):
        execution.run_first(handler, [message.pk], here, tally)
        return
    Message.objects.filter(pk=message.pk).update(due_at=message.created_at - timedelta(days=1))
    with transaction.atomic():
        record = claims.open_next(handler, here)
    assert record
    assert record.message_ids == [message.pk]
    execution.run_recorded(handler, record, here, tally)


@contextmanager
def frozen(name: str) -> Iterator[list[Any]]:
    """A worker stands still where it would `make_call` or `record`; yields what it had in hand."""
    module: Any = {"make_call": calling, "record": results}[name]
    real, held = getattr(module, name), list[Any]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, name, lambda *a, **k: held.append(partial(real, *a, **k)))
        yield held


@contextmanager
def met(fault: str) -> Iterator[None]:
    """The next request of an operation meets a fault."""
    control = shops[0].control
    if fault:
        provider, operation, kind = fault.split()
        control.force(provider, kind, operation=operation)
    yield
    if fault:
        control.reset()


def was_refused(order: Order) -> bool:
    """Whether an answer was a definite no."""
    return SagaAttempt.objects.filter(step__run__order=order, outcome="refused").exists()


@pytest.fixture
def saga_world(
    transactional_db: None,
    stateful_sandbox: SandboxProcess,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> None:
    """The real clients, pointed at the real sandbox; dispatches that nobody sends."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: True)
    monkeypatch.setattr(runs, "GRACE", timedelta(0))
    settings.SHOP = shop_at(stateful_sandbox)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    shops[:] = [stateful_sandbox]
