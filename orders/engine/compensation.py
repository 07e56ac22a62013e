"""The way back: compensations in reverse order, each of them until it is done."""

from orders import saga
from orders.engine import messages, results
from orders.models import SagaRun, SagaStep

State = SagaStep.State


def turn_back(run: SagaRun, *, reason: str) -> bool:
    """Cancel a run that is held, unless its pivot has begun; False: too late.

    One that waits for a person goes back, too, unless it was on its way back already. The call of a
    step that is under way is waited for: its answer, or its lease's end, comes first.
    """
    pivots = {step.name for step in saga.of(run).steps if step.pivot}
    begun = run.steps.filter(name__in=pivots).exclude(state=State.WAITING).exists()
    if begun or not (run.state == SagaRun.State.RUNNING or _stands_on_its_way_forward(run)):
        return False
    results.set_run(run, SagaRun.State.COMPENSATING, reason=reason)
    go_back(run)
    return True


def _stands_on_its_way_forward(run: SagaRun) -> bool:
    if run.state != SagaRun.State.NEEDS_PERSON:
        return False
    return run.steps.filter(state=State.NEEDS_PERSON, backwards=False).exists()


def go_back(run: SagaRun) -> None:
    """Enqueue the next compensation, or end the run where nothing is left to take back."""
    for step in reversed(run.steps.all()):
        if step.backwards and step.state == State.DONE:
            continue
        if step.backwards or step.state == State.CALLING:
            return
        if step.may_have_happened and saga.of(run).step(step.name).undo is not None:
            step.backwards, step.state, step.forgiven = True, State.WAITING, 0
            SagaStep.objects.filter(pk=step.pk).update(
                backwards=True, state=State.WAITING, forgiven=0, finished_at=None
            )
            messages.enqueue_step(run, step)
            return
        if step.state in (State.RETRYING, State.GIVING_UP, State.NEEDS_PERSON):
            results.set_step(step, State.REFUSED)
    results.set_run(run, SagaRun.State.COMPENSATED)
