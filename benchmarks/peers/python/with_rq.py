"""rq on Valkey: published on commit, two SimpleWorkers (the default worker forks for each job)."""

import os

import django
import redis
from django.db import transaction
from rq import Queue, SimpleWorker

from benchmarks.peers.python import effect

django.setup()
connection = redis.Redis.from_url(os.environ["PEER_BROKER_URL"])
queue = Queue("peer", connection=connection)


def deduct(operation: str, account_id: int) -> None:
    """The job."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """Published once the business rows are committed."""

    def publish() -> None:
        prepared = [
            Queue.prepare_data("benchmarks.peers.python.with_rq.deduct", kwargs=job, result_ttl=0)
            for job in jobs
        ]
        queue.enqueue_many(prepared)

    with transaction.atomic():
        effect.write_requests(jobs)
        transaction.on_commit(publish)


if __name__ == "__main__":
    SimpleWorker([queue], connection=connection).work(logging_level="WARNING")
