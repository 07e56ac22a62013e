"""A night's reconciliation for the races: begun before them, driven step by step in them."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from outbox.reconciliation import run
from outbox.reconciliation.models import Finding, Reconciliation

ENDED = {"running in SELECT outbox_reconciliation": "a run that has ended or given way takes no "
         "step; here none has"}  # fmt: skip
"""What a step may lack where its run goes on."""

ONE_DRIVES = {
    **ENDED,
    "FOR NO KEY UPDATE in SELECT outbox_reconciliation": "one reconciler works here; between two "
    "calls of one step it is needed (two_reconcilers_repair_once)",
}
"""The same where one reconciler drives it."""

_begun: list[Reconciliation] = []


def begin(check: str) -> None:
    """A run over one check, before the workers start."""
    started = run.begin(cause="race", names=[check])
    assert started is not None
    _begun[:] = [started]


def compare() -> None:
    """Its one page: look, confirm, mend."""
    with transaction.atomic():
        run.step(_begun[0])


def first_step() -> bool:
    """The step that a message of its chain names; says whether this call was the one to take it."""
    with transaction.atomic():
        return run.step(_begun[0], turn=0).next_turn is not None


def whole(check: str) -> None:
    """Begin a run and see it through; leave it to another one where that is running."""
    started = run.begin(cause="race", names=[check])
    going = started is not None
    while started is not None and going:
        with transaction.atomic():
            going = run.step(started).next_turn is not None


def next_one(check: str) -> None:
    """What life does afterwards: a day passes, and the next night takes over whatever has died."""
    Reconciliation.objects.update(moved_at=F("moved_at") - timedelta(days=1))
    whole(check)


def turn() -> int:
    """How many steps it has taken."""
    _begun[0].refresh_from_db()
    return _begun[0].turn


def findings() -> list[str]:
    """What was found, in order."""
    return list(Finding.objects.order_by("id").values_list("type", flat=True))
