"""Where the time of an ordinary message goes at rest, step by step: what a job waits for.

One client does what a worker does for the message that a dispatch names, with the outbox's own
statements, in explicit transactions, so that BEGIN and COMMIT are told by themselves. Each message
is enqueued just before, so that nothing else is due.
"""

import time
from uuid import UUID

from benchmarks import feeds
from benchmarks import jobs as work
from benchmarks.drain import Track
from benchmarks.ledger import WARM_UP
from benchmarks.steps import Steps, execute
from benchmarks.work import effects
from outbox import claims, coalescing, handlers
from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.models import Message

PAUSE = 0.02
"""Seconds before each message, as at fifty a second: what was warm has been put aside."""


def measure(track: Track, messages: int) -> dict[str, dict[str, float]]:
    """Microseconds of each step, one message after another and after a pause each."""
    warm, rested = _run(track, messages, 0), _run(track, messages, PAUSE)
    counted = messages - int(WARM_UP * messages)
    return {
        name: _figures(warm, name, counted, "") | _figures(rested, name, counted, "after_20_ms_")
        for name in warm.wall
    }


def _figures(steps: Steps, name: str, counted: int, prefix: str) -> dict[str, float]:
    times = {"wall": steps.wall, "python": steps.thread, "postgres": steps.backend}
    return {
        f"{prefix}{what}_us": round(1e6 * taken[name] / counted, 1) for what, taken in times.items()
    }


def _run(track: Track, messages: int, pause: float) -> Steps:
    """The first tenth does not count."""
    jobs = work.sequence(messages)
    balances = work.credits_for(jobs)
    track.ledger.reset(balances)
    track.ledger.settle()
    handler, steps = handlers.get("work.deduct"), Steps()
    enqueue = feeds.ours_one(handler.name)
    for number, job in enumerate(jobs):
        if number == int(WARM_UP * messages):
            steps = Steps()
        enqueue(job)
        due = Message.objects.filter(state=Message.State.PENDING).values_list("id", flat=True)
        ids = list(due)
        time.sleep(pause)
        _work_off(steps, handler, ids)
    track.broker.flushall()
    if not track.ledger.sums(jobs, balances).kept:
        raise RuntimeError("The sums are not kept.")
    return steps


def _work_off(step: Steps, handler: Handler, ids: list[UUID]) -> None:
    """One message, and the look for company after its commit."""
    here = Delivery.here()
    with step("the mark in the shared cache"):
        coalescing.land(handler, ids)
    with step("begin"):
        execute("BEGIN")
    with step("claim it"):
        (message,) = claims.claim_first(handler, ids)
    with step("savepoint"):
        execute("SAVEPOINT handler")
    with step("the effect, an update and an insert"):
        effects.deduct_guarded(**message.args)
    with step("release"):
        execute("RELEASE SAVEPOINT handler")
    with step("mark it done"):
        claims.mark_done([message], here)
    with step("commit"):
        execute("COMMIT")
    with step("the look for company, after the commit"):
        claims.open_next(handler, here, None, ids[0])
