"""Run records: who is about to run what, committed before it runs.

What kills its worker leaves no exception behind. It leaves a record that nobody holds.
"""

import logging
from collections import Counter
from datetime import timedelta

from django.db import transaction

from outbox import failures, handlers
from outbox.models import Message, Run

logger = logging.getLogger("outbox.runs")

GRACE = timedelta(seconds=2)
"""How old an unheld record must be to count as a crash: a run takes its record milliseconds after
it was committed, and a worker that only lost its connection comes back to say so."""

LONGEST_UNHELD = 1.0
"""Seconds after which a record is not left between two of its messages: well below GRACE."""


def withdraw(run: Run) -> None:
    """Delete the record of a run that ended, though not as its transaction had meant to."""
    Run.objects.filter(id=run.id).delete()


def collect_crashed() -> int:
    """Turn every record that no run holds into what it is: a crash. Returns how many there were.

    Rows that crashed in company (in a batch, or beside other runs of the same process) run alone
    from now on, and are not counted: the killer is among them, but nobody knows which.
    """
    with transaction.atomic():
        gone = list(Run.objects.gone(GRACE).order_by("id"))
        per_worker = Counter(run.worker for run in gone)
        for run in gone:
            company = len(run.message_ids) > 1 or per_worker[run.worker] > 1
            _note(run, company=company)
        Run.objects.filter(id__in=[run.id for run in gone]).delete()
    return len(gone)


def _note(run: Run, *, company: bool) -> None:
    handler = handlers.find(run.handler)
    pending = Message.objects.filter(state=Message.State.PENDING)
    for message in pending.among(run.message_ids).in_claim_order().held():
        counted = message.alone or not company
        failures.record_crash(handler, message, run.worker, counted=counted)
    logger.error(
        "a run died",
        extra={"handler": run.handler, "worker": run.worker, "messages": len(run.message_ids)},
    )
