"""The messages of a saga: a step's turn, its next attempt, the end of a lease.

A step's first message has the key `order:{id}:{step}`, and `…:undo` on the way back; that of a
further attempt has the attempt's number behind it.
"""

from datetime import timedelta

import outbox
from orders import clock
from orders.models import SagaAttempt, SagaRun, SagaStep


def enqueue_step(run: SagaRun, step: SagaStep, *, delay: timedelta | None = None) -> None:
    """The step's next attempt, after `delay`; a second call for the same attempt adds nothing."""
    before = step.undo_attempts if step.backwards else step.attempts
    parts = [run.saga, str(run.pk), step.name, "undo" if step.backwards else "", str(before + 1)]
    if not before:
        parts.pop()
    if step.state == SagaStep.State.GIVING_UP:
        parts.append("person")
    outbox.enqueue(
        "orders.run_step",
        args={"run_id": str(run.pk), "step": step.name, "undo": step.backwards},
        key=":".join(part for part in parts if part),
        due_at=None if delay is None else clock.after(delay),
        operation_id=run.operation_id,
    )


def enqueue_settling(run: SagaRun, attempt: SagaAttempt) -> None:
    """What finds out, at the lease's end, that an attempt never said how it ended."""
    outbox.enqueue(
        "orders.settle_attempt",
        args={"attempt_id": str(attempt.pk)},
        due_at=attempt.lease_until,
        operation_id=run.operation_id,
    )
