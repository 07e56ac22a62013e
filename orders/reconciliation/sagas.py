"""A saga under way has a message that moves it, and comes to an end within the hour."""

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse

import outbox
from orders.engine import messages
from orders.models import SagaAttempt, SagaRun, SagaStep
from outbox.models import Message
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged

PAGE = 10_000
TOO_LONG = timedelta(minutes=10)
TOO_OLD = timedelta(hours=1)
"""A step that no provider answers is a person's after half an hour: more than that is a fault."""

GOING = ("running", "compensating")
NO_ID = "00000000-0000-0000-0000-000000000000"
State = SagaStep.State


class NobodyMovesIt(Check):
    """A run under way has a message that waits: the next step, a retry, or the end of a lease."""

    name = "orders.nobody_moves_it"

    def page(self, after: str) -> Page:
        return paged(_OPEN, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        run = _going(subject, older_than=TOO_LONG)
        if run is None or _message_waits(run):
            return None
        return _suspect("nobody_moves_it", run)

    def repair(self, suspect: Suspect) -> str:
        """The message that is missing, again: a step that is done or under way leaves it alone."""
        run = SagaRun.objects.get(pk=suspect.subject)
        steps = list(run.steps.all())
        calling = next((step for step in steps if step.state == State.CALLING), None)
        if calling is not None:
            messages.enqueue_settling(run, SagaAttempt.objects.get(step=calling, outcome="open"))
            return "the end of its lease is waited for again"
        back = run.state == SagaRun.State.COMPENSATING
        for step in reversed(steps) if back else steps:
            if step.backwards == back and step.state in (State.WAITING, State.RETRYING):
                _enqueue_again(run, step)
                return f"{step.name} enqueued again"
        return ""

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


class TooOld(Check):
    """A run that has messages, and for all that does not come to an end."""

    name = "orders.saga_too_old"

    def page(self, after: str) -> Page:
        return paged(_OLD, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        run = _going(subject, older_than=TOO_OLD)
        if run is None or not _message_waits(run):
            return None  # the other check's affair
        return _suspect("saga_too_old", run, severity="warning")

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


class NobodyIsAsked(Check):
    """A run that needs a person has the dead letter by which one learns of it, and takes it up."""

    name = "orders.nobody_is_asked"

    def page(self, after: str) -> Page:
        return paged(_WITHOUT_A_LETTER, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        waits = SagaRun.objects.filter(pk=subject, state=SagaRun.State.NEEDS_PERSON)
        run = waits.locked().first()
        if run is None or _letters(run).exists():
            return None
        return _suspect("nobody_is_asked", run)

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


def _letters(run: SagaRun) -> QuerySet[Message]:
    """The run's own messages that are dead, or that a person has just had run again."""
    mine = Message.objects.filter(operation_id=run.operation_id, args__run_id=str(run.pk))
    return mine.filter(state__in=["pending", "parked", "dead"])


def _going(run_id: str, *, older_than: timedelta) -> SagaRun | None:
    """The run, held, if it is under way and so old. Who holds it enqueues its next message."""
    old = SagaRun.objects.filter(pk=run_id, created_at__lt=Now() - older_than)
    return old.filter(state__in=GOING).locked().first()


def _message_waits(run: SagaRun) -> bool:
    return Message.objects.waiting().filter(operation_id=run.operation_id).exists()


def _suspect(kind: str, run: SagaRun, severity: str = "error") -> Suspect:
    steps = {step.name: step.status for step in run.steps.all()}
    evidence = {"order": str(run.order_id), "saga": run.saga, "state": str(run.state)} | steps
    return Suspect(kind, str(run.pk), evidence, severity)


def _enqueue_again(run: SagaRun, step: SagaStep) -> None:
    """Without a key: that of the lost message stands for it for ever."""
    outbox.enqueue(
        "orders.run_step",
        args={"run_id": str(run.pk), "step": step.name, "undo": step.backwards},
        operation_id=run.operation_id,
    )


_OPEN = """
    SELECT run.id, CASE WHEN run.state IN ('running', 'compensating') AND NOT EXISTS (
        SELECT FROM outbox_message AS message
        WHERE message.operation_id = run.operation_id AND message.state IN ('pending', 'parked')
    ) THEN run.id::text END
    FROM orders_sagarun AS run WHERE run.id > %s::uuid ORDER BY run.id LIMIT %s
"""

_WITHOUT_A_LETTER = """
    SELECT run.id, CASE WHEN run.state = 'needs_person' AND NOT EXISTS (
        SELECT FROM outbox_message AS message
        WHERE message.operation_id = run.operation_id
          AND message.state IN ('pending', 'parked', 'dead')
          AND message.args ->> 'run_id' = run.id::text
    ) THEN run.id::text END
    FROM orders_sagarun AS run WHERE run.id > %s::uuid ORDER BY run.id LIMIT %s
"""

_OLD = """
    SELECT run.id, CASE WHEN run.state IN ('running', 'compensating')
        AND run.created_at < now() - interval '1 hour' THEN run.id::text END
    FROM orders_sagarun AS run WHERE run.id > %s::uuid ORDER BY run.id LIMIT %s
"""
