"""A shop with the real sandbox behind it, and the messages of its orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Q

from orders import saga
from orders.engine import calling, results
from orders.models import Order, SagaAttempt, SagaRun, SagaStep
from outbox import Retry, claims, dispatch, execution, handlers, runs
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
CALLS = {
    # what each step asks the providers, on its way forward and back
    ("authorise", False): ("payments create", "payments confirm", "payments retrieve"),
    ("authorise", True): ("payments cancel", "payments retrieve", "payments refund"),
    ("ship", False): ("shipping create",),
    ("ship", True): ("shipping cancel",),
    ("capture", False): ("payments capture", "payments retrieve"),
    ("refund", False): ("payments refund",),
}
OPERATIONS = sorted({call for calls in CALLS.values() for call in calls})
MOST_ATTEMPTS = 3
"""Of any step, so that it comes to giving up."""
NEXT = {
    # what may follow each status of an order
    "placed": {"placed", "cancelling", "shipped", "cancelled", "needs_person"},
    "cancelling": {"cancelling", "cancelled", "needs_person"},
    "needs_person": {"needs_person", "placed", "cancelling", "shipped", "cancelled"},
    "shipped": {"shipped"},
    "cancelled": {"cancelled"},
}


def faults_of(message: Message) -> list[str]:
    """What a request that this message leads to may meet; nothing, first of all."""
    calls = CALLS.get((message.args.get("step", ""), message.args.get("undo", False)), ())
    return ["", *(f"{call} {kind}" for call in calls for kind in KINDS)]


def messages_of(order_id: UUID, *states: str) -> list[Message]:
    """The messages of an order's sagas in these states, in the order in which they are due.

    Ids of one millisecond are in no order, and the clock of a transaction stands still.
    """
    sagas = SagaRun.objects.filter(order=order_id).values_list("pk", flat=True)
    attempts = SagaAttempt.objects.filter(step__run__order=order_id).values_list("pk", flat=True)
    theirs = Q(args__run_id__in=[str(one) for one in sagas])
    theirs |= Q(args__attempt_id__in=[str(one) for one in attempts])
    found = Message.objects.filter(theirs, state__in=states)
    return sorted(found, key=lambda one: (one.due_at, one.created_at, one.args.get("step", "")))


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
    execution.run_recorded(handler, record, here, tally, lambda: None)


def crash(message: Message) -> None:
    """A worker records a run of this message and dies before it does anything."""
    Message.objects.filter(pk=message.pk).update(due_at=message.created_at - timedelta(days=1))
    with transaction.atomic():
        record = claims.open_next(handlers.get(message.handler), Delivery.here())
    assert record
    assert record.message_ids == [message.pk]
    runs.collect_crashed()


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


def was_given_up(order: Order) -> bool:
    """Whether an answer was a definite no, or a step had all its attempts."""
    attempts = SagaAttempt.objects.filter(step__run__order=order, backwards=False)
    decisive = Q(outcome="refused") | Q(number__gte=MOST_ATTEMPTS)
    return attempts.filter(decisive).exclude(outcome="done").exists()


def is_charging(order_id: UUID) -> bool:
    """Whether an order is past the point at which it can be cancelled."""
    step = SagaStep.objects.get(run__order=order_id, run__saga="order", name="capture")
    return step.state != "waiting"


def stands_on_its_way(order_id: UUID) -> bool:
    """Whether an order waits for a person with a step that goes forward."""
    steps = SagaStep.objects.filter(run__order=order_id, run__saga="order")
    return steps.filter(state="needs_person", backwards=False).exists()


def impatient(table: saga.Saga) -> saga.Saga:
    """The same saga, whose steps are given up after few attempts."""

    def soon(retry: Retry) -> Retry:
        return replace(retry, limit=MOST_ATTEMPTS)

    steps = (
        replace(step, retry=soon(step.retry), undo_retry=soon(step.undo_retry))
        for step in table.steps
    )
    return replace(table, steps=tuple(steps))


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
    hasty = {name: impatient(table) for name, table in saga.SAGAS.items()}
    monkeypatch.setattr(saga, "SAGAS", hasty)
    settings.SHOP = shop_at(stateful_sandbox)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    shops[:] = [stateful_sandbox]
