"""A step's message has come: run its effect here, or begin its call."""

from functools import partial

import structlog
from django.db import transaction
from django.db.models.functions import Now

import outbox
from orders import clock, saga
from orders.calls import Refused
from orders.engine import calling, messages, results
from orders.models import SagaAttempt, SagaRun, SagaStep
from outbox.delivery import Delivery

State = SagaStep.State
BEGINNABLE = (State.WAITING, State.RETRYING, State.NEEDS_PERSON)

log = structlog.get_logger(__name__)


def run_step(*, run_id: str, name: str, undo: bool) -> None:
    """Take a step, or its compensation. A second call finds it under way or ended: nothing happens.

    Raises Fatal for one that was given up: its message becomes the dead letter that a person finds.
    A redriven one has as many attempts as in the beginning.
    """
    with transaction.atomic():
        run = SagaRun.objects.locked().get(pk=run_id)
        step = run.steps.get(name=name)
        if step.state == State.GIVING_UP and step.backwards == undo:
            raise outbox.Fatal(step.error)
        if step.backwards != undo or step.state not in BEGINNABLE or not _may_go(run, step):
            log.info("step_left_alone", run_id=run_id, saga_step=_said(step), status=step.status)
            return
        _wake(run, step)
        line = saga.of(run).step(name)
        action = line.undo if undo else line.do
        if isinstance(action, saga.Here):
            _run_here(run, step, action)
        else:
            _begin_call(run, step, line)


def _may_go(run: SagaRun, step: SagaStep) -> bool:
    """Forward only while the run goes forward. A person's redrive takes up either direction."""
    if step.state == State.NEEDS_PERSON:
        return run.state == SagaRun.State.NEEDS_PERSON
    going = SagaRun.State.COMPENSATING if step.backwards else SagaRun.State.RUNNING
    return run.state == going


def _wake(run: SagaRun, step: SagaStep) -> None:
    """A person has had it tried again: the run goes on in the direction in which it stopped."""
    if step.state == State.NEEDS_PERSON:
        back = step.backwards
        state = SagaRun.State.COMPENSATING if back else SagaRun.State.RUNNING
        results.set_run(run, state, reason=run.reason if back else "")
        results.forgive(step)


def _run_here(run: SagaRun, step: SagaStep, action: saga.Here) -> None:
    results.count(step)
    try:
        with transaction.atomic():
            action.effect(run)
    except Refused as refusal:
        log.info("step_ended", saga_step=_said(step), outcome="refused", error=str(refusal))
        results.note_refused(run, step, str(refusal))
    else:
        log.info("step_ended", saga_step=_said(step), outcome="done")
        results.note_done(run, step)


def _said(step: SagaStep) -> str:
    return f"{'undo ' * step.backwards}{step.name}"


def _begin_call(run: SagaRun, step: SagaStep, line: saga.Step) -> None:
    """Write "calling" under a lease, and what settles it at the lease's end; call after the commit.

    A worker that dies in between leaves the lease, and nothing else is needed to know that.
    """
    results.count(step)
    message = outbox.current_message()
    attempt = SagaAttempt.objects.create(
        step=step,
        backwards=step.backwards,
        number=step.undo_attempts if step.backwards else step.attempts,
        lease_until=clock.after(line.lease),
        message_id=message.id if message else None,
        worker=Delivery.here().worker,
    )
    SagaStep.objects.filter(pk=step.pk).update(
        state=State.CALLING, attempt=attempt.pk, started_at=step.started_at or Now()
    )
    messages.enqueue_settling(run, attempt)
    transaction.on_commit(partial(calling.make_call, attempt.pk))
