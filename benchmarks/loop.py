"""The floor of the effects: the same code in plain Django processes, without any queue.

Jobs come from a list in memory; nothing is found, held, marked or acknowledged. What a queue can
reach with this effect at best is what this does. Or they come from a lean queue that does each
exactly once, by one statement in the effect's own transaction: a yardstick for any such queue.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import redis

from benchmarks.jobs import Job

BATCH = 500
"""Jobs of one transaction, as many as `ours_batch` takes."""

Part = list[dict[str, str | int]]


def feed(effect: str, processes: int, jobs: Sequence[Job]) -> None:
    """Lay each process its share, batch by batch in turn, so that they meet at the accounts."""
    step = BATCH if effect == "batch" else 1
    batches = [jobs[start : start + step] for start in range(0, len(jobs), step)]
    mailbox = _mailbox()
    for number in range(processes):
        part = [job.as_args() for batch in batches[number::processes] for job in batch]
        mailbox.rpush(f"loop:{number}", json.dumps([effect, part]))


def feed_queue(processes: int, jobs: Sequence[Job]) -> None:
    """Lay a row for each job, and tell each process to take them."""
    from django.db import connection

    columns = [job.operation for job in jobs], [job.account_id for job in jobs]
    with connection.cursor() as cursor:
        cursor.execute(_LAY, columns)
    mailbox = _mailbox()
    for number in range(processes):
        mailbox.rpush(f"loop:{number}", json.dumps(["orm_queue", []]))


def main(number: str) -> None:
    """Wait for a share, load it, work it off, wait for the next: until somebody ends us."""
    import django

    django.setup()
    mailbox = _mailbox()
    while True:
        if laid := mailbox.lpop(f"loop:{number}"):
            effect, part = json.loads(laid)  # type: ignore[arg-type]
            _EFFECTS[effect](part)
        else:
            time.sleep(0.01)


def _one_by_one(part: Part) -> None:
    from django.db import transaction

    from benchmarks.work import effects

    for job in part:
        with transaction.atomic():
            effects.deduct_guarded(**job)  # type: ignore[arg-type]


def _from_the_queue(_: Part) -> None:
    from django.db import connection, transaction

    from benchmarks.work import effects

    found = True
    while found:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_TAKE)
                found = cursor.fetchone()
            if found:
                operation, account_id = found
                effects.deduct_guarded(operation=operation, account_id=account_id)


def _in_batches(part: Part) -> None:
    from django.db import transaction

    from benchmarks.work import effects

    jobs = [(UUID(str(job["operation"])), int(job["account_id"])) for job in part]
    for start in range(0, len(jobs), BATCH):
        with transaction.atomic():
            effects.deduct_batch(jobs[start : start + BATCH])


_EFFECTS: dict[str, Callable[[Part], None]] = {
    "orm": _one_by_one,
    "orm_queue": _from_the_queue,
    "batch": _in_batches,
}

_LAY = """
    INSERT INTO work_queue (operation, account_id) SELECT * FROM unnest(%s::uuid[], %s::integer[])
"""

_TAKE = """
    UPDATE work_queue SET done = true
    WHERE id = (
        SELECT id FROM work_queue WHERE NOT done ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING operation, account_id
"""


def _mailbox() -> redis.Redis:
    return redis.Redis.from_url(os.environ["BROKER_URL"])


if __name__ == "__main__":
    main(*sys.argv[1:])
