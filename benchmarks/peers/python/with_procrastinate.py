"""procrastinate: jobs in PostgreSQL, its own worker, through its Django integration."""

from django.db import transaction
from procrastinate.contrib.django import app

from benchmarks.peers.python import effect


@app.task(name="peer.deduct", queue="peer")  # type: ignore[untyped-decorator]
def deduct(*, operation: str, account_id: int) -> None:
    """In a thread of the worker, whose connection stays open."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """Deferred through the connection of the business transaction."""
    with transaction.atomic():
        effect.write_requests(jobs)
        deduct.batch_defer(*jobs)
