"""One strategy's part of a hot run: its jobs are published, watched and added up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Sum

from config.celery import app
from races.hot.strategies import CLAIM, STRATEGIES, Strategy
from races.models import HotAccount, HotDelivery, HotEntry, HotJob, LabRun

LONGEST = 25.0
"""Seconds; a strategy that needs longer is cut off, and its figures say so."""
_EVERY = 0.2  # seconds between two looks
_AT_ONCE = 50  # dispatches published between two looks
_EACH_TENTH = 10
_NEWEST = 40  # deliveries whose median is the latency at this moment

Tick = Callable[[], None]


@dataclass
class Lane:
    """The figures so far, as the page shows them; sums at the end are those of the tables."""

    strategy: str
    title: str
    naive: bool
    credits: int  # at the start
    jobs: int
    state: str = "waiting"
    #: seconds, jobs done, credits, texts sent, median latency of the newest (ms)
    samples: list[list[float]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def run(lane: Lane, lab_run: LabRun, queue: str, *, twice: bool, tick: Tick) -> None:
    """Publish the lane's jobs and watch until all are done, or ``LONGEST`` has passed."""
    strategy = STRATEGIES[lane.strategy]
    account = HotAccount.objects.create(run=lab_run, strategy=lane.strategy, credits=lane.credits)
    deliveries = _deliveries(strategy, account.pk, lane.jobs, twice=twice)
    lane.state = "running"
    began = time.monotonic()
    for first in range(0, len(deliveries), _AT_ONCE):
        _publish(strategy, account.pk, deliveries[first : first + _AT_ONCE], queue)
        _look(lane, account.pk, time.monotonic() - began)
        tick()
    wanted = lane.jobs if strategy.claims else len(deliveries)
    while True:
        seconds = time.monotonic() - began
        done = _look(lane, account.pk, seconds)
        tick()
        if done >= wanted or seconds > LONGEST:
            break
        time.sleep(_EVERY)
    lane.state = "done" if done >= wanted else "cut off"
    lane.figures = figures(account.pk, lane.credits, lane.samples[-1][0], done)


def figures(account: int, at_start: int, seconds: float, done: float) -> dict[str, Any]:
    """What the tables say in the end."""
    left = HotAccount.objects.get(pk=account).credits
    counted = HotEntry.objects.filter(account_id=account).aggregate(
        sent=Count("pk"), different=Count("job", distinct=True)
    )
    took = _latencies(account)
    sums = HotDelivery.objects.filter(account_id=account).aggregate(
        deliveries=Count("pk"), tries=Sum("tries")
    )
    return {
        "left": left,
        "sent": counted["sent"],
        "lost": counted["sent"] - (at_start - left),
        "oversold": max(0, counted["sent"] - at_start),
        "doubled": counted["sent"] - counted["different"],
        "failed": HotDelivery.objects.filter(account_id=account, failed=True).count(),
        "per_second": round(done / seconds, 1) if seconds else 0,
        "seconds": round(seconds, 1),
        "p50": took[0],
        "p95": took[1],
        "tries": round((sums["tries"] or 0) / (sums["deliveries"] or 1), 2),
    }


def _deliveries(strategy: Strategy, account: int, jobs: int, *, twice: bool) -> list[int]:
    """The dispatches to publish, by the number of their job; each tenth twice, where asked."""
    if strategy.claims:
        HotJob.objects.bulk_create(
            HotJob(account_id=account, number=number) for number in range(jobs)
        )
        numbers = range(jobs // CLAIM + 1)
    else:
        numbers = range(jobs)
    return [
        number for number in numbers for _ in range(2 if twice and number % _EACH_TENTH == 0 else 1)
    ]


def _publish(strategy: Strategy, account: int, jobs: Sequence[int], queue: str) -> None:
    task = app.tasks["races.hot"]
    with app.producer_or_acquire() as producer:
        for job in jobs:
            arguments = {"strategy": strategy.name, "account": account, "job": job}
            task.apply_async(kwargs=arguments, queue=queue, producer=producer)


def _look(lane: Lane, account: int, seconds: float) -> float:
    """Take one sample; returns how many are done."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT coalesce(sum(jobs), 0) FROM races_hotdelivery WHERE account_id = %s),"
            " (SELECT credits FROM races_hotaccount WHERE id = %s),"
            " (SELECT count(*) FROM races_hotentry WHERE account_id = %s),"
            " (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) FROM (SELECT micros"
            "   FROM races_hotdelivery WHERE account_id = %s AND jobs > 0"
            "   ORDER BY id DESC LIMIT %s) newest)",
            [account, account, account, account, _NEWEST],
        )
        done, left, sent, micros = cursor.fetchone()
    took = round((micros or 0) / 1000, 1)
    lane.samples.append([round(seconds, 2), int(done), left, sent, took])
    lane.figures = {"left": left, "sent": sent, "done": int(done)}
    return float(done)


def _latencies(account: int) -> tuple[float, float]:
    """Median and 95th percentile of what a delivery took, in milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY micros)"
            " FROM races_hotdelivery WHERE account_id = %s AND jobs > 0",
            [account],
        )
        (found,) = cursor.fetchone()
    return tuple(round(each / 1000, 1) for each in found or (0, 0))  # type: ignore[return-value]
