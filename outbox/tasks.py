"""The outbox's own doors: the relay's round, the schedules' tick, retention, reconciliation."""

from datetime import timedelta

from celery import shared_task

from outbox import periodic, relay, retention
from outbox.enqueueing import enqueue
from outbox.handlers import Retry, handler
from outbox.reconciliation import registered, run
from outbox.reconciliation.models import Reconciliation


@shared_task(name="outbox.relay", queue="relay", ignore_result=True)  # type: ignore[untyped-decorator]
def run_relay() -> dict[str, int]:
    """One round of the relay. It needs no key: two at once do what one does."""
    return vars(relay.run_once())


@shared_task(name="outbox.tick", queue="relay", ignore_result=True)  # type: ignore[untyped-decorator]
def tick() -> int:
    """Enqueue the periodic runs whose slot has begun."""
    return periodic.tick()


@handler("outbox.prune", queue="bulk", retry=Retry(limit=None), deadline=timedelta(minutes=1))
def prune() -> None:
    """Delete one batch of what is past its time; another message goes on while there is more."""
    if retention.prune_batch() > 0:
        enqueue("outbox.prune", args={})


@handler("outbox.reconcile", queue="bulk", retry=Retry(limit=None))
def reconcile() -> None:
    """Begin the night's reconciliation; while another one runs, that is enough."""
    started = run.begin(cause="nightly")
    if started is not None:
        _enqueue_step(started.pk, min(registered()), "")


@handler("outbox.reconcile_step", queue="bulk", deadline=timedelta(minutes=1))
def reconcile_step(*, reconciliation_id: int, check: str, after: str) -> None:
    """One page of one check, then the next page, the next check, or the end."""
    current = Reconciliation.objects.get(pk=reconciliation_id)
    later = [name for name in registered() if name > check]
    if (onward := run.step(current, check, after)) is not None:
        _enqueue_step(current.pk, check, onward)
    elif later:
        _enqueue_step(current.pk, later[0], "")
    else:
        run.finish(current)


def _enqueue_step(reconciliation_id: int, check: str, after: str) -> None:
    args = {"reconciliation_id": reconciliation_id, "check": check, "after": after}
    enqueue("outbox.reconcile_step", args=args)


periodic.register(handler="outbox.prune", every=timedelta(hours=1))
periodic.register(handler="outbox.reconcile", every=timedelta(days=1), offset=timedelta(hours=3))
