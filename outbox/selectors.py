"""Reads for pages and commands."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, Min
from django.db.models.functions import Now

from outbox.models import Message


@dataclass(frozen=True)
class Event:
    """One line of a message's story."""

    at: datetime
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)


def story(message_id: UUID) -> list[Event]:
    """A message's life in order of time; empty where there is none, or where it was pruned.

    What was done is told by the message's own row, what went wrong by its events.
    """
    message = Message.objects.prefetch_related("events").filter(id=message_id).first()
    if message is None:
        return []
    told = [
        Event(
            one.at,
            str(one.kind),
            _detail(one.attempt, one.worker, one.task_id, one.error, one.actor),
        )
        for one in message.events.all()
    ]
    return sorted([*_own(message), *told], key=lambda event: event.at)


def _own(message: Message) -> list[Event]:
    run = _detail(message.attempts, message.worker, message.task_id)
    events = [Event(message.created_at, "scheduled", {"due_at": message.due_at})]
    if message.started_at and message.dispatched_at and message.dispatched_at <= message.started_at:
        # By the sender's clock, which may be off: never shown before the commit that it follows.
        sent = max(message.dispatched_at, message.created_at)
        events.append(Event(sent, "dispatched", {"task_id": message.task_id}))
    if message.started_at:
        events.append(Event(message.started_at, "claimed", run))
    if message.state == Message.State.DONE and message.finished_at:
        events.append(Event(message.finished_at, "done", run))
    return events


def _detail(
    attempt: int, worker: str, task_id: str, error: str = "", actor: str = ""
) -> dict[str, Any]:
    every = {
        "attempt": attempt,
        "worker": worker,
        "task_id": task_id,
        "error": error,
        "actor": actor,
    }
    return {name: value for name, value in every.items() if value}


def oldest_due_age() -> float | None:
    """Seconds that the oldest due message has been due, or None where none is: the pulse."""
    due = Message.objects.filter(state=Message.State.PENDING, due_at__lte=Now())
    age = due.aggregate(age=ExpressionWrapper(Now() - Min("due_at"), output_field=DurationField()))[
        "age"
    ]
    return None if age is None else float(age.total_seconds())
