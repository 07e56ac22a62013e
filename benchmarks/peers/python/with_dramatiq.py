"""dramatiq on Valkey: published on commit, threads in two processes."""

import os

import django
import dramatiq
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, Pipelines, Retries, TimeLimit

from benchmarks.peers.python import effect

django.setup()
middleware = [AgeLimit(), TimeLimit(), Callbacks(), Pipelines(), Retries()]
broker = RedisBroker(url=os.environ["PEER_BROKER_URL"], middleware=middleware)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="peer")  # type: ignore[untyped-decorator]
def deduct(operation: str, account_id: int) -> None:
    """The job."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """In business transactions."""
    with transaction.atomic():
        effect.write_requests(jobs)
        transaction.on_commit(lambda: [deduct.send(**job) for job in jobs])
