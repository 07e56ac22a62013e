"""Laying jobs before workers: always inside the business transaction that asks for them.

Imported once Django is set up.
"""

from collections.abc import Callable, Sequence
from functools import partial

from celery import current_app
from django.db import connection, transaction

import outbox
from benchmarks.jobs import Job
from benchmarks.work.models import Request

Feed = Callable[[Sequence[Job]], None]

PER_TRANSACTION = 1_000
"""Jobs of one business transaction where a backlog is laid."""


def ours(handler: str) -> Feed:
    """Through the outbox, by that handler's name."""
    return partial(_in_chunks, partial(_enqueue, handler))


def bare(task: str) -> Feed:
    """Published on commit, as the Celery documentation says."""
    return partial(_in_chunks, partial(_publish, task))


def ours_one(handler: str) -> Callable[[Job], None]:
    """One business transaction for one job, through the outbox."""

    def feed(job: Job) -> None:
        with transaction.atomic():
            Request.objects.create(id=job.operation, account_id=job.account_id)
            outbox.enqueue(handler, args=job.as_args())

    return feed


def bare_one(task: str) -> Callable[[Job], None]:
    """One business transaction for one job, published on commit."""
    send = partial(current_app.send_task, task, queue="bare", ignore_result=True)

    def feed(job: Job) -> None:
        with transaction.atomic():
            Request.objects.create(id=job.operation, account_id=job.account_id)
            transaction.on_commit(lambda: send(kwargs=job.as_args()))

    return feed


def _in_chunks(feed: Feed, jobs: Sequence[Job]) -> None:
    for start in range(0, len(jobs), PER_TRANSACTION):
        feed(jobs[start : start + PER_TRANSACTION])


def _enqueue(handler: str, jobs: Sequence[Job]) -> None:
    with transaction.atomic():
        write_requests(jobs)
        outbox.enqueue_many(handler, (job.as_args() for job in jobs))


def _publish(task: str, jobs: Sequence[Job]) -> None:
    def publish() -> None:
        with current_app.producer_or_acquire() as producer:
            for job in jobs:
                current_app.send_task(
                    task, kwargs=job.as_args(), queue="bare", producer=producer, ignore_result=True
                )

    with transaction.atomic():
        write_requests(jobs)
        transaction.on_commit(publish)


def write_requests(jobs: Sequence[Job]) -> None:
    """The business rows of these jobs, in one statement."""
    columns = [job.operation for job in jobs], [job.account_id for job in jobs]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO work_request SELECT * FROM unnest(%s::uuid[], %s::integer[])", columns
        )
