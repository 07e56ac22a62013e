"""The consumer: what a worker does when a dispatch arrives. It looks at the table."""

import logging
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

from celery import Task

from outbox import claims, coalescing, execution, handlers
from outbox.delivery import Delivery
from outbox.dispatch import MOST_IDS
from outbox.handlers import TIME_SLICE, Handler
from outbox.models import Run
from outbox.pace import Pace
from outbox.tally import Tally

logger = logging.getLogger("outbox.consumer")


def receive(task: Task, ids: object) -> dict[str, int]:
    """The body of every handler's Celery task. Nothing that a dispatch claims is believed."""
    handler = handlers.get(task.name)
    named = _ids(ids)
    coalescing.land(handler, named)
    return consume(handler, named, Delivery.of(task.request)).as_dict()


def consume(
    handler: Handler, ids: Sequence[UUID], delivery: Delivery, pace: Pace | None = None
) -> Tally:
    """Run the messages with these ids, then whatever else is due, for one time slice.

    An ordinary handler's messages commit one by one, a batch handler's together; the first of them
    run in any case, and the relay rings for what the slice was too short for. A second call with
    the same ids finds them locked or finished, and refuses them.
    """
    tally = Tally()
    until = time.monotonic() + TIME_SLICE.total_seconds()
    begin, own = delivery.begin, min(ids, default=None)
    pace = pace or Pace()

    def open_next() -> Run | None:
        if time.monotonic() >= until:
            return None
        return claims.open_next(handler, delivery, begin, own, pace.next_size())

    for own_ids in _chunks(ids, handler.batch_size or 1):
        refused = tally.refused
        execution.run_first(handler, own_ids, delivery, tally)
        # Where others were first, they are at the rest as well; what they leave is found as due.
        overtaken = tally.refused - refused == len(own_ids)
        if overtaken or time.monotonic() >= until:
            break
    run = open_next()  # recorded by a statement that commits by itself
    while run is not None:
        begin = run.position
        run = execution.run_recorded(handler, run, delivery, tally, open_next)
    if tally.refused:
        logger.info("duplicate refused", extra={"handler": handler.name, "count": tally.refused})
    return tally


def _chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _ids(ids: object) -> list[UUID]:
    """The ids of a dispatch that are ids, bounded: anybody who reaches the broker can send one."""
    if not isinstance(ids, list):
        return []
    found = []
    for one in ids[:MOST_IDS]:
        try:
            found.append(UUID(str(one)))
        except ValueError:
            logger.warning("a dispatch named something that is no id")
    return found
