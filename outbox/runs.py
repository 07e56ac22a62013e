"""Run records: who is about to run what, committed before it runs.

What kills its worker leaves no exception behind. It leaves a record that nobody holds.
"""

import logging
import time
from collections import Counter
from datetime import timedelta

from django.db import connection, transaction

from outbox import failures, handlers
from outbox.models import Message, Run

logger = logging.getLogger("outbox.runs")

GRACE = timedelta(seconds=2)
"""How old an unheld record must be to count as a crash: a run takes its record milliseconds after
it was committed, and a worker that only lost its connection comes back to say so."""

LONGEST_UNHELD = 1.0
"""Seconds after which a record is not left between two of its messages: well below GRACE."""

PATIENCE = timedelta(seconds=1)
"""What `on_abandoned` may wait for locks in a round of the relay, of all crashes together."""


def withdraw(run: Run) -> None:
    """Delete the record of a run that ended, though not as its transaction had meant to."""
    Run.objects.filter(id=run.id).delete()


def collect_crashed() -> int:
    """Turn every record that no run holds into what it is: a crash. Returns how many there were.

    Rows that crashed in company (in a batch, or beside other runs of the same process) run alone
    from now on, and are not counted: the killer is among them, but nobody knows which.

    Each process is a transaction of its own, each record a savepoint: one that cannot be written
    down is left for the next call, and keeps nobody from the others.
    """
    until = time.monotonic() + PATIENCE.total_seconds()
    with transaction.atomic():
        per_worker = Counter(run.worker for run in Run.objects.gone(GRACE).order_by("id"))
    return sum(_collect(worker, seen, until) for worker, seen in sorted(per_worker.items()))


def _collect(worker: str, seen: int, until: float) -> int:
    """Those of one process, of which so many were seen before they were all held."""
    noted, committed = 0, list[bool]()
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(True))  # the first hook to run
            gone = list(Run.objects.gone(GRACE).filter(worker=worker).order_by("id"))
            in_company = max(seen, len(gone)) > 1
            for run in gone:
                _wait_at_most(until - time.monotonic())
                noted += _note(run, in_company=in_company)
    except Exception:
        if committed:
            logger.exception("a hook after the commit failed", extra={"worker": worker})
            return noted
        logger.exception("crashes could not be written down", extra={"worker": worker})
        connection.close_if_unusable_or_obsolete()
        return 0
    return noted


def _wait_at_most(seconds: float) -> None:
    """In this transaction, for any lock: `on_abandoned` may ask for rows that somebody keeps."""
    milliseconds = max(1, int(seconds * 1000))  # 0 would be for ever
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])


def _note(run: Run, *, in_company: bool) -> bool:
    """Note the crash and delete its record. False where that failed."""
    told = {"handler": run.handler, "worker": run.worker, "messages": len(run.message_ids)}
    try:
        with transaction.atomic():
            _note_messages(run, in_company=in_company or len(run.message_ids) > 1)
            withdraw(run)
    except Exception:
        if connection.needs_rollback:  # not even the savepoint could be rolled back
            raise
        logger.exception("a crash could not be written down", extra=told)
        return False
    logger.error("a run died", extra=told)
    return True


def _note_messages(run: Run, *, in_company: bool) -> None:
    handler = handlers.find(run.handler)
    pending = Message.objects.filter(state=Message.State.PENDING)
    for message in pending.among(run.message_ids).in_claim_order().held():
        counted = message.alone or not in_company
        failures.record_crash(handler, message, run.worker, counted=counted)
