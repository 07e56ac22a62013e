"""The story of one order under one operation id: messages, calls, money, webhooks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from orders.models import Order, PaymentEntry, PaymentEvent, SagaAttempt
from outbox.models import Message

MOST = 300
"""Lines of one kind that are told."""


@dataclass(frozen=True)
class Line:
    """One thing that happened, and where it is written."""

    at: datetime
    kind: str
    status: str
    title: str
    detail: str
    process: str = ""
    task_id: str = ""


def of(order: Order) -> list[Line]:
    """Everything that is known about the order, oldest first; pruned messages are missing."""
    placed = Line(order.created_at, "order", "placed", "Placed", f"by {order.placed_by}")
    told = [placed, *_messages(order), *_calls(order), *_money(order), *_webhooks(order)]
    return sorted(told, key=lambda line: line.at)


def _messages(order: Order) -> Iterator[Line]:
    for message in Message.objects.filter(operation_id=order.operation_id).order_by("id")[:MOST]:
        at = message.finished_at or message.created_at
        name = message.key or message.handler
        yield Line(
            at, "message", message.state, name, message.last_error, message.worker, message.task_id
        )


def _calls(order: Order) -> Iterator[Line]:
    calls = SagaAttempt.objects.filter(step__run__order=order).select_related("step")
    begun_by = Message.objects.filter(operation_id=order.operation_id)
    tasks = dict(begun_by.values_list("pk", "task_id"))
    for call in calls.order_by("pk")[:MOST]:
        name = f"{'undo ' * call.backwards}{call.step.name}, attempt {call.number}"
        said = f"{call.detail} Later: {call.late}" if call.late else call.detail
        at = call.finished_at or call.started_at
        task = tasks.get(call.message_id, "") if call.message_id else ""
        yield Line(at, "call", call.outcome, name, said, call.worker, task)


def _money(order: Order) -> Iterator[Line]:
    for entry in PaymentEntry.objects.filter(payment__order=order):
        yield Line(entry.at, "ledger", "done", f"{entry.kind} {entry.money}", "")


def _webhooks(order: Order) -> Iterator[Line]:
    for event in PaymentEvent.objects.filter(payment__order=order)[:MOST]:
        status = "refused" if event.finding else "done"
        yield Line(event.received_at, "webhook", status, event.kind, event.finding or event.id)
