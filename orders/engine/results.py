"""How an attempt ended, and what follows. All but the first two functions hold the run already."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

import outbox
from orders import saga
from orders.engine import compensation, messages
from orders.engine.leases import is_over
from orders.models import SagaAttempt, SagaRun, SagaStep
from outbox.errors import storable

Outcome = SagaAttempt.Outcome
State = SagaStep.State
NO_ANSWER = "No answer by the end of the lease: the process died, or was cut off."


def record(
    attempt_id: UUID, outcome: SagaAttempt.Outcome, *, detail: str = "", result: Any = None
) -> None:
    """Write down how a call ended.

    What comes after its lease was settled is kept as evidence; where nobody knew whether the step
    had happened, and nobody does it again or takes it back, such a word settles that.
    """
    detail = storable(detail)
    with transaction.atomic():
        run, attempt = _hold(attempt_id)
        if attempt.outcome != Outcome.OPEN:
            SagaAttempt.objects.filter(pk=attempt.pk).update(late=f"{outcome} {detail}".strip())
            if outcome == Outcome.DONE and attempt.step.state == State.IN_DOUBT:
                _then(run, attempt.step, result)
                set_step(attempt.step, State.DONE)
            return
        _close(attempt, outcome, detail)
        if outcome == Outcome.DONE:
            _then(run, attempt.step, result)
            note_done(run, attempt.step)
        elif outcome == Outcome.REFUSED:
            note_refused(run, attempt.step, detail)
        else:
            _note_failed(run, attempt.step, detail, outcome)


def _then(run: SagaRun, step: SagaStep, result: Any) -> None:
    action = _action(run, step)
    assert isinstance(action, saga.Outside)  # noqa: S101
    action.then(run, result)


def settle_attempt(*, attempt_id: str) -> None:
    """At the end of a lease: an attempt that has not said how it ended is unknown from now on."""
    with transaction.atomic():
        run, attempt = _hold(UUID(attempt_id))
        if attempt.outcome != Outcome.OPEN or not is_over(attempt):
            return
        _close(attempt, Outcome.UNKNOWN, NO_ANSWER)
        _note_failed(run, attempt.step, NO_ANSWER, Outcome.UNKNOWN)


def note_done(run: SagaRun, step: SagaStep) -> None:
    """The step, or its compensation, has happened."""
    set_step(step, State.DONE)
    go_on(run)


def note_refused(run: SagaRun, step: SagaStep, reason: str) -> None:
    """A definite no: turn back, unless this is the way back, or there is none any more."""
    if step.backwards or saga.of(run).is_behind_pivot(step.name):
        _give_up(run, step, reason)
        return
    set_step(step, State.REFUSED, error=reason)
    _turn_back_or_go_on(run, reason)


def go_on(run: SagaRun) -> None:
    """The next step forward, the next compensation, or the end."""
    if run.state == SagaRun.State.COMPENSATING:
        compensation.go_back(run)
        return
    ahead = [step for step in run.steps.all() if step.state not in (State.DONE, State.IN_DOUBT)]
    if ahead:
        messages.enqueue_step(run, ahead[0])
    else:
        set_run(run, SagaRun.State.DONE)


def count(step: SagaStep) -> None:
    """One attempt more, in the step's present direction."""
    name = "undo_attempts" if step.backwards else "attempts"
    setattr(step, name, getattr(step, name) + 1)
    SagaStep.objects.filter(pk=step.pk).update(**{name: getattr(step, name)})


def forgive(step: SagaStep) -> None:
    """A person has it tried again: the attempts so far count no more."""
    step.forgiven += step.counted
    SagaStep.objects.filter(pk=step.pk).update(forgiven=step.forgiven)


def set_step(step: SagaStep, state: SagaStep.State, **columns: Any) -> None:
    """Bring a step into a state in which it calls nobody."""
    ended = state in (State.DONE, State.REFUSED, State.IN_DOUBT)
    step.state = state
    for name, value in columns.items():
        setattr(step, name, value)
    SagaStep.objects.filter(pk=step.pk).update(
        state=state,
        attempt=None,
        started_at=step.started_at or Now(),
        finished_at=Now() if ended else None,
        **columns,
    )


def set_run(run: SagaRun, state: SagaRun.State, reason: str | None = None) -> None:
    """Bring the run into a state, and tell whatever it is about."""
    run.state = state
    run.reason = (run.reason if reason is None else reason)[:500]
    ended = state in (SagaRun.State.DONE, SagaRun.State.COMPENSATED)
    SagaRun.objects.filter(pk=run.pk).update(
        state=state, reason=run.reason, finished_at=Now() if ended else None
    )
    saga.of(run).tell(run)


def _hold(attempt_id: UUID) -> tuple[SagaRun, SagaAttempt]:
    """Lock the run first, and read the attempt as it is by then."""
    run_id = SagaAttempt.objects.values_list("step__run_id", flat=True).get(pk=attempt_id)
    run = SagaRun.objects.locked().get(pk=run_id)
    return run, SagaAttempt.objects.select_related("step").get(pk=attempt_id)


def _close(attempt: SagaAttempt, outcome: SagaAttempt.Outcome, detail: str) -> None:
    closed = SagaAttempt.objects.filter(pk=attempt.pk, outcome=Outcome.OPEN).update(
        outcome=outcome, detail=detail[:2_000], finished_at=Now()
    )
    fenced = SagaStep.objects.filter(pk=attempt.step_id, attempt=attempt.pk).exists()
    if not closed or not fenced:
        raise RuntimeError(f"Attempt {attempt.pk} was superseded while its run was held.")


def _note_failed(run: SagaRun, step: SagaStep, reason: str, outcome: SagaAttempt.Outcome) -> None:
    line = saga.of(run).step(step.name)
    if outcome == Outcome.UNKNOWN and not step.backwards:
        SagaStep.objects.filter(pk=step.pk).update(maybe=True)
        step.maybe = True
    retry: outbox.Retry = line.undo_retry if step.backwards else line.retry
    turned = run.state == SagaRun.State.COMPENSATING and not step.backwards
    barred = outcome == Outcome.BARRED and not turned
    spent = retry.exhausted(step.counted) or (step.maybe and not line.repeatable)
    if not turned and not barred and not spent:
        set_step(step, State.RETRYING, error=reason)
        messages.enqueue_step(run, step, delay=retry.delay(step.counted))
    elif barred:
        _give_up(run, step, reason)
    elif step.backwards or saga.of(run).is_behind_pivot(step.name) or (line.pivot and step.maybe):
        _give_up(run, step, f"{reason} (given up after {step.counted} attempts)")
    else:
        set_step(step, State.IN_DOUBT if step.maybe else State.REFUSED, error=reason)
        _turn_back_or_go_on(run, reason, forward=step.maybe and not line.repeatable)


def _turn_back_or_go_on(run: SagaRun, reason: str, *, forward: bool = False) -> None:
    if run.state == SagaRun.State.RUNNING and not forward:
        set_run(run, SagaRun.State.COMPENSATING, reason=reason)
    go_on(run)


def _give_up(run: SagaRun, step: SagaStep, reason: str) -> None:
    """For a person. The message that says so is the dead letter to redrive."""
    set_step(step, State.GIVING_UP, error=reason)
    messages.enqueue_step(run, step)


def _action(run: SagaRun, step: SagaStep) -> saga.Action | None:
    line = saga.of(run).step(step.name)
    return line.undo if step.backwards else line.do
