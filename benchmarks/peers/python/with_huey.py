"""huey on Valkey: published on commit, two worker processes."""

import os

import django
from django.db import transaction
from huey import RedisHuey

from benchmarks.peers.python import effect

django.setup()
huey = RedisHuey("peer", url=os.environ["PEER_BROKER_URL"], results=False)


@huey.task()  # type: ignore[untyped-decorator]
def deduct(operation: str, account_id: int) -> None:
    """The job."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """In business transactions."""
    with transaction.atomic():
        effect.write_requests(jobs)
        transaction.on_commit(lambda: [deduct(**job) for job in jobs])
