"""A step's message became a dead letter: the run waits for a person, visibly."""

from typing import Any

from orders.engine import results
from orders.models import SagaRun, SagaStep

State = SagaStep.State


def abandon_step(args: dict[str, Any], state: str, reason: str) -> None:
    """Called in the transaction that ends the message. One that no longer matters changes nothing.

    A step that waits for its turn while its run goes back has none: redriven, a cancelled order
    would go forward again.

    A message that a person then discards leaves the run with that person.
    """
    if state != "dead":
        return
    run = SagaRun.objects.locked().get(pk=args["run_id"])
    step = run.steps.get(name=args["step"])
    waits = (State.WAITING, State.RETRYING, State.GIVING_UP)
    going = SagaRun.State.COMPENSATING if step.backwards else SagaRun.State.RUNNING
    if step.backwards == args["undo"] and step.state in waits and run.state == going:
        results.set_step(step, State.NEEDS_PERSON, error=reason)
        results.set_run(
            run, SagaRun.State.NEEDS_PERSON, reason=run.reason or f"{step.name}: {reason}"
        )
