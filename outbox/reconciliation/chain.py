"""A run that the workers drive: each step is a message, which enqueues the next one."""

from collections.abc import Sequence

from django.db import transaction

from outbox.enqueueing import enqueue
from outbox.reconciliation import run
from outbox.reconciliation.models import Reconciliation

STEP = "outbox.reconcile_step"


def start(*, cause: str, names: Sequence[str] = (), dry_run: bool = False) -> Reconciliation | None:
    """Begin a run over these checks (none named: all); None while another one is running."""
    with transaction.atomic():
        started = run.begin(cause=cause, names=names, dry_run=dry_run)
        if started is not None:
            _enqueue(started.pk, started.turn)
    return started


def go_on(*, reconciliation_id: int, turn: int) -> None:
    """Take one step and enqueue the next. A second call for the same turn does nothing."""
    taken = run.step(Reconciliation(pk=reconciliation_id), turn)
    if taken.next_turn is not None:
        _enqueue(reconciliation_id, taken.next_turn)


def _enqueue(reconciliation_id: int, turn: int) -> None:
    enqueue(STEP, args={"reconciliation_id": reconciliation_id, "turn": turn})
