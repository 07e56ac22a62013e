"""A night's reconciliation for the races: begun before them, driven step by step in them."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from outbox.reconciliation import run
from outbox.reconciliation.models import Finding, Reconciliation

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


def findings() -> list[str]:
    """What was found, in order."""
    return list(Finding.objects.order_by("id").values_list("type", flat=True))
