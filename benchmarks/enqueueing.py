"""What enqueueing costs the request that does it, beside a plain ORM INSERT of the same row."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.test import override_settings

import outbox
from benchmarks import feeds
from benchmarks import jobs as work
from benchmarks.drain import Track
from benchmarks.jobs import Job
from benchmarks.work.models import Request
from outbox.ids import uuid7

BULK = 5_000
"""Messages of one transaction in the bulk figures."""


def measure(track: Track, *, rounds: int, count: int) -> dict[str, Any]:
    """Transactions a second (and milliseconds each), in turn; the workers are frozen meanwhile."""
    bare = feeds.bare_one("bare.guarded")
    ways: dict[str, Callable[[list[Job]], object]] = {
        "business_row_alone": lambda jobs: _each(jobs, lambda job: None),
        "plain_insert": lambda jobs: _each(jobs, _plain_insert),
        "enqueue": lambda jobs: _each(jobs, _enqueue_undispatched),
        "enqueue_and_dispatch": lambda jobs: _each(jobs, _enqueue),
        "enqueue_and_dispatch_each": _each_dispatched,
        "celery_publish": lambda jobs: [bare(job) for job in jobs],
        "plain_bulk_create": _plain_bulk,
        "enqueue_many": _enqueue_many,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            bulk = name in ("plain_bulk_create", "enqueue_many")
            jobs = work.sequence(BULK if bulk else count)
            track.ledger.reset({})
            track.ledger.settle()
            began = time.perf_counter()
            way(jobs)
            seconds[name].append((time.perf_counter() - began) / len(jobs))
            track.broker.flushall()
    return _table(seconds)


def _table(seconds: dict[str, list[float]]) -> dict[str, Any]:
    table: dict[str, Any] = {
        name: {
            "ms": round(1000 * median(each), 4),
            "min_ms": round(1000 * min(each), 4),
            "max_ms": round(1000 * max(each), 4),
            "per_second": round(1 / median(each), 1),
        }
        for name, each in seconds.items()
    }
    table["ratio_to_plain_insert"] = _ratio(seconds, "enqueue", "plain_insert")
    table["ratio_with_dispatch"] = _ratio(seconds, "enqueue_and_dispatch", "plain_insert")
    each = "enqueue_and_dispatch_each"
    table["ratio_with_a_dispatch_each"] = _ratio(seconds, each, "plain_insert")
    table["ratio_with_a_dispatch_each_to_celery_publish"] = _ratio(seconds, each, "celery_publish")
    table["ratio_bulk"] = _ratio(seconds, "enqueue_many", "plain_bulk_create")
    return table


def _ratio(seconds: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' own ratios: each round compares what ran in the same seconds."""
    return round(median(a / b for a, b in zip(seconds[one], seconds[other], strict=True)), 3)


def _each(jobs: list[Job], way: Callable[[Job], None]) -> None:
    for job in jobs:
        with transaction.atomic():
            Request.objects.create(id=job.operation, account_id=job.account_id)
            way(job)


def _enqueue(job: Job) -> None:
    outbox.enqueue("work.deduct", args=job.as_args())


def _each_dispatched(jobs: list[Job]) -> None:
    """Without coalescing, as at rest: every commit publishes, since none is in the air."""
    with override_settings(OUTBOX_COALESCING_CACHE=None):
        _each(jobs, _enqueue)


def _enqueue_undispatched(job: Job) -> None:
    """`enqueue` without the dispatch that follows the commit: what it adds to the transaction."""
    outbox.enqueue("work.deduct", args=job.as_args())
    connection.run_on_commit.clear()


def _plain_insert(job: Job) -> None:
    outbox.Message(handler="work.deduct", args=job.as_args(), operation_id=uuid7()).save(
        force_insert=True
    )


def _plain_bulk(jobs: list[Job]) -> None:
    with transaction.atomic():
        outbox.Message.objects.bulk_create(
            [
                outbox.Message(handler="work.deduct", args=job.as_args(), operation_id=uuid7())
                for job in jobs
            ],
            batch_size=1_000,
        )


def _enqueue_many(jobs: list[Job]) -> None:
    with transaction.atomic():
        outbox.enqueue_many("work.deduct", [job.as_args() for job in jobs])
