"""A run that the workers drive: each step is a message, which enqueues the next one."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from outbox.enqueueing import enqueue
from outbox.errors import Snooze
from outbox.reconciliation import registered, run
from outbox.reconciliation.models import Reconciliation

STEP = "outbox.reconcile_step"
A_WHILE = timedelta(minutes=1)


def start(*, cause: str, names: Sequence[str] = (), dry_run: bool = False) -> Reconciliation | None:
    """Begin a run over these checks (none named: all); None while another one is running."""
    with transaction.atomic():
        started = run.begin(cause=cause, names=names, dry_run=dry_run)
        if started is not None:
            _enqueue(started.pk, started.turn)
    return started


def start_night() -> None:
    """Begin the night's run over all checks, which mends. A chain that does so already is enough.

    Raises Snooze while another kind of run is under way, or a command drives it, which may be
    killed with nobody to go on: the night comes after it.
    """
    with transaction.atomic():
        if start(cause="nightly") is None and not _is_under_way():
            raise Snooze(A_WHILE, "another reconciliation is running: of less, dry, or a command")


def go_on(*, reconciliation_id: int, turn: int) -> None:
    """Take one step and enqueue the next. A second call for the same turn does nothing."""
    taken = run.step(Reconciliation(pk=reconciliation_id), turn)
    if taken.next_turn is not None:
        _enqueue(reconciliation_id, taken.next_turn)


def _is_under_way() -> bool:
    """Whether messages drive such a run to its end: one outlives its worker, and no session."""
    chains = Reconciliation.objects.under_way().filter(session=None, dry_run=False)
    return chains.filter(names=sorted(registered())).exists()


def _enqueue(reconciliation_id: int, turn: int) -> None:
    enqueue(STEP, args={"reconciliation_id": reconciliation_id, "turn": turn})
