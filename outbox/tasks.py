"""The outbox's own doors: the relay's round, the schedules' tick, retention, reconciliation."""

from datetime import timedelta

from celery import shared_task

from outbox import periodic, relay, retention
from outbox.enqueueing import enqueue
from outbox.handlers import Retry, handler
from outbox.monitoring.measure import measure
from outbox.reconciliation import chain

_rings = relay.Rings()


@shared_task(name="outbox.relay", queue="relay", ignore_result=True)  # type: ignore[untyped-decorator]
def run_relay() -> dict[str, int]:
    """One round of the relay. It needs no key: two at once do what one does."""
    return vars(relay.run_once(_rings))


@shared_task(name="outbox.tick", queue="relay", ignore_result=True)  # type: ignore[untyped-decorator]
def tick() -> int:
    """Enqueue the periodic runs whose slot has begun."""
    return periodic.tick()


@shared_task(name="outbox.measure", queue="relay", ignore_result=True)  # type: ignore[untyped-decorator]
def run_measure() -> bool:
    """Count what was done in the last minutes, for pages and dashboards."""
    return measure()


@handler("outbox.prune", queue="bulk", retry=Retry(limit=None), deadline=timedelta(minutes=1))
def prune() -> None:
    """Delete one batch of what is past its time; another message goes on while there is more."""
    if retention.prune_batch() > 0:
        enqueue("outbox.prune", args={})


@handler("outbox.reconcile", queue="bulk", retry=Retry(limit=None))
def reconcile() -> None:
    """Begin the night's reconciliation, unless it is running already."""
    chain.start_night()


@handler(
    "outbox.reconcile_step", queue="bulk", retry=Retry(limit=None), deadline=timedelta(minutes=1)
)
def reconcile_step(*, reconciliation_id: int, turn: int) -> None:
    """One page of one check; another message goes on with the next."""
    chain.go_on(reconciliation_id=reconciliation_id, turn=turn)


periodic.register(handler="outbox.prune", every=timedelta(hours=1))
periodic.register(handler="outbox.reconcile", every=timedelta(days=1), offset=timedelta(hours=3))
