"""Where the time of a batch's messages goes: CPU by statement, of the backend and of this thread.

One client calls the outbox's own statements and the effect of `ours_batch` in a worker's order, in
explicit transactions, so that BEGIN and COMMIT are told by themselves.
"""

from uuid import UUID

from benchmarks import feeds
from benchmarks import jobs as work
from benchmarks.drain import Track
from benchmarks.ledger import WARM_UP
from benchmarks.steps import Steps, execute
from benchmarks.work import effects
from outbox import claims, handlers
from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.models import Message, Run

BATCH = 500


def measure(track: Track, batches: int) -> dict[str, dict[str, float]]:
    """Microseconds of CPU a message for each step, without the first tenth of the batches."""
    jobs = work.sequence(BATCH * batches)
    balances = work.credits_for(jobs)
    track.ledger.reset(balances)
    feeds.ours("work.deduct_batch")(jobs)
    track.broker.flushall()
    track.ledger.settle()
    handler, warm = handlers.get("work.deduct_batch"), int(WARM_UP * batches)
    run = claims.open_next(handler, Delivery.here())
    for number in range(batches):
        if number in (0, warm):
            steps = Steps()
        run = _work_off(steps, handler, run)
    if not track.ledger.sums(jobs, balances).kept:
        raise RuntimeError("The sums are not kept.")
    counted = BATCH * (batches - warm)
    return {
        name: {
            "postgres_us": round(1e6 * steps.backend[name] / counted, 2),
            "python_us": round(1e6 * steps.thread[name] / counted, 2),
        }
        for name in steps.thread
    }


def _work_off(step: Steps, handler: Handler, run: Run | None) -> Run | None:
    """One batch; returns the run of the next, recorded in the same commit."""
    if run is None:
        raise RuntimeError("Nothing is due.")
    here = Delivery.here()
    with step("begin and commit"):
        execute("BEGIN")
    with step("claim it"):
        messages = claims.claim_recorded(handler, run, _rest(run))
    with step("the effect"):
        _effect(messages)
    with step("mark it done"):
        claims.mark_done(messages, here)
    with step("find the next, hold it, record its run"):
        following = claims.open_next(handler, here, run.position)
    with step("begin and commit"):
        execute("COMMIT")
    return following


def _rest(run: Run) -> list[UUID]:
    """All ids of the record, taken off it: its claim is its last."""
    ids, run.message_ids = run.message_ids, []
    return ids


def _effect(messages: list[Message]) -> None:
    effects.deduct_batch(
        [(UUID(message.args["operation"]), message.args["account_id"]) for message in messages]
    )
