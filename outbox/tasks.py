"""The outbox's own doors: the relay's round, the tick of the schedules, retention."""

from datetime import timedelta

from celery import shared_task

from outbox import periodic, relay, retention
from outbox.enqueueing import enqueue
from outbox.handlers import Retry, handler


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


periodic.register(handler="outbox.prune", every=timedelta(hours=1))
