"""Starting and ending what an operator asks of the lab. Of each kind one run is under way."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from races import launch
from races.models import HotAccount, LabRun

LOST_AFTER = timedelta(seconds=20)
"""Without a sign of life; a run's process gives one several times a second."""

KEPT = 50
"""Runs of a kind that are kept; older ones go when a new one starts."""


class Busy(Exception):
    """Another run of this kind is under way; ``run`` is that one."""

    def __init__(self, run: LabRun) -> None:
        super().__init__(
            f"One run at a time: number {run.pk}, asked for by {run.created_by}, is under way."
        )
        self.run = run


def start_run(*, kind: str, asked: dict[str, Any], actor: str) -> LabRun:
    """Write down what is asked and start its process; raises Busy.

    ``asked`` comes from `races.inputs`. A second call while the first run is open starts nothing.
    """
    bury_lost()
    _forget_old(kind)
    try:
        with transaction.atomic():
            run = LabRun.objects.create(kind=kind, asked=asked, created_by=actor)
    except IntegrityError:
        raise Busy(_open().get(kind=kind)) from None
    transaction.on_commit(lambda: launch.launch(run.pk))
    return run


def end_run(*, run_id: int) -> bool:
    """Ask a run to end; its process looks several times a second. False where it is over."""
    return bool(_open().filter(pk=run_id).update(end_asked=True))


def bury_lost() -> int:
    """Mark runs whose process is gone, and remove what they spent; returns how many."""
    gone = _open().filter(seen_at__lt=Now() - LOST_AFTER)
    buried = gone.update(state=LabRun.State.LOST, reason="Its process is gone.", finished_at=Now())
    if buried:
        HotAccount.objects.filter(run__state=LabRun.State.LOST).delete()
    return buried


def _forget_old(kind: str) -> None:
    """Of runs that are over, keep the newest ``KEPT``."""
    over = LabRun.objects.filter(kind=kind).exclude(state__in=LabRun.OPEN).order_by("-pk")
    LabRun.objects.filter(pk__in=list(over.values_list("pk", flat=True)[KEPT:])).delete()


def _open() -> "QuerySet[LabRun]":
    return LabRun.objects.filter(state__in=LabRun.OPEN)
