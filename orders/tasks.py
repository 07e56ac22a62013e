"""The doorways through which workers reach the engine."""

from datetime import timedelta

import outbox
from orders.engine import abandoning, results, steps


@outbox.handler(
    "orders.run_step",
    queue="bulk",  # its calls wait for others, and nothing of our own shall wait behind them
    deadline=timedelta(seconds=30),  # the calls are after the commit
    on_abandoned=abandoning.abandon_step,
)
def run_step(*, run_id: str, step: str, undo: bool) -> None:
    """Take a step of a saga, or its compensation."""
    steps.run_step(run_id=run_id, name=step, undo=undo)


@outbox.handler("orders.settle_attempt", queue="bulk", retry=outbox.Retry(limit=None))
def settle_attempt(*, attempt_id: str) -> None:
    """At the end of a lease, see whether its attempt has said how it ended."""
    results.settle_attempt(attempt_id=attempt_id)
