"""A step that has ended is taken once more, because a person says so."""

from orders.engine import messages, results
from orders.models import SagaRun, SagaStep


def try_again(run: SagaRun, step: SagaStep, *, reason: str) -> None:
    """Take an ended step of a held run once more, whatever its last attempt may have done.

    It has all its attempts again. Whoever asks for this knows that the effect may happen twice.
    """
    step.maybe = False
    results.forgive(step)
    results.set_step(step, SagaStep.State.WAITING, maybe=False)
    results.set_run(run, SagaRun.State.RUNNING, reason=reason)
    messages.enqueue_step(run, step)
