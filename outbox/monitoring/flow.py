"""Rates and latencies: of this moment, and of each minute of the last hours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now, TruncMinute

from outbox.monitoring.measure import SUMS, summed_histogram
from outbox.monitoring.models import BOUNDS, Minute

MOST_LOOKED_AT = 5_000
"""Rows of the last seconds that are looked at: beyond it a rate is "at least"."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Messages a second, over the last `over` seconds; `capped` where it is at least so many."""

    into: float
    out: float
    capped: bool


def rate_now(over: int = 10) -> Rate:
    """How fast messages come and are done at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(_RATE, {"over": over, "most": MOST_LOOKED_AT})
        created, done = cursor.fetchone()
    capped = max(created, done) >= MOST_LOOKED_AT
    return Rate(into=created / over, out=done / over, capped=capped)


def minutes(span: timedelta = timedelta(hours=1), handler: str = "") -> list[Minute]:
    """The figures of the last minutes, oldest first; of one handler, or of all."""
    found = Minute.objects.filter(minute__gt=TruncMinute(Now()) - span).order_by("minute")
    return list(found.filter(handler=handler) if handler else found)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """One handler's figures since its first message. They never fall."""

    handler: str
    sums: dict[str, float]
    latencies: Sequence[int]


def totals() -> list[Totals]:
    """Of every handler that ever did anything."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        return [
            Totals(
                handler=handler,
                sums={name: float(one) for name, one in zip(SUMS, sums, strict=True)},
                latencies=[int(one) for one in histogram],
            )
            for handler, histogram, *sums in cursor.fetchall()
        ]


def add_up(histograms: Iterable[Sequence[int]]) -> list[int]:
    """Several histograms as one."""
    return [sum(column) for column in zip(*histograms, strict=True)]


def percentile(latencies: Sequence[int], share: float) -> float | None:
    """Seconds within which `share` of the counted were done; None where none was counted.

    Read off a histogram: within a bucket they are taken to lie evenly. What lies in the last
    bucket, which has no end, is given as its beginning.
    """
    wanted, before = share * sum(latencies), 0.0
    if not wanted:
        return None
    lowest = 0.0
    for count, highest in zip(latencies, BOUNDS, strict=False):
        if before + count >= wanted and count:
            return lowest + (highest - lowest) * (wanted - before) / count
        before, lowest = before + count, highest
    return BOUNDS[-1]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A kind of failure: how often, where, when last."""

    handler: str
    kind: str  # failed, crashed, dead
    error: str  # the class of the error
    count: int
    last: datetime


def failures(span: timedelta = timedelta(hours=1), *, most: int = 8) -> list[Failure]:
    """What failed lately, the most frequent first, of the last MOST_LOOKED_AT events."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FAILURES,
            {"seconds": span.total_seconds(), "looked_at": MOST_LOOKED_AT, "most": most},
        )
        return [
            Failure(handler=handler, kind=kind, error=error, count=count, last=last)
            for handler, kind, error, count, last in cursor.fetchall()
        ]


_RATE = """
    SELECT (SELECT count(*) FROM (
        SELECT created_at FROM outbox_message
        WHERE id >= (lpad(to_hex(
            (extract(epoch FROM statement_timestamp()) * 1000)::bigint - %(over)s * 1000), 12, '0')
            || repeat('0', 20))::uuid
        LIMIT %(most)s) AS created),
    (SELECT count(*) FROM (
        SELECT finished_at FROM outbox_message
        WHERE state = 'done'
          AND finished_at > statement_timestamp() - make_interval(secs => %(over)s)
        LIMIT %(most)s) AS done)
"""

_TOTALS = f"""
    SELECT handler, {summed_histogram()}, {", ".join(f"sum({name})" for name in SUMS)}
    FROM outbox_minute GROUP BY handler ORDER BY handler
"""  # noqa: S608 - names of columns alone

_FAILURES = """
    SELECT message.handler, event.kind, event.class, count(*), max(event.at)
    FROM (
        SELECT message_id, kind, at, CASE kind WHEN 'crashed' THEN 'process died'
               ELSE left(split_part(split_part(error, E'\\n', 1), ':', 1), 60) END AS class
        FROM outbox_event
        WHERE at > statement_timestamp() - make_interval(secs => %(seconds)s)
          AND kind IN ('failed', 'crashed', 'dead')
        ORDER BY at DESC LIMIT %(looked_at)s
    ) AS event JOIN outbox_message AS message ON message.id = event.message_id
    GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 DESC LIMIT %(most)s
"""
