"""Flat: what a claim, an empty poll and an enqueue cost beside millions of finished rows."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

import outbox
from benchmarks import jobs as work
from benchmarks.drain import Track
from outbox import claims, handlers, pace, relay
from outbox.delivery import Delivery

TRIES = 60
DUE = 5_000
"""Messages that are due while claims are timed."""


def measure(track: Track, sizes: list[int]) -> dict[str, Any]:
    """Milliseconds at each number of finished rows, the workers frozen."""
    track.ledger.reset({})
    table: dict[str, Any] = {}
    have = 0
    for size in sizes:
        finish(track, size - have, datetime.now(UTC))
        have = size
        track.ledger.connection.execute("VACUUM (ANALYZE) outbox_message")
        track.ledger.connection.execute("CHECKPOINT")
        table[f"finished_{size}"] = _costs()
    return {**table, "largest_ratio": _ratios(table)}


def beside_open_transaction(track: Track, drained: int) -> dict[str, Any]:
    """The same before and after so many were drained while another transaction stayed open."""
    track.ledger.reset({})
    before = _costs()
    with track.ledger.another() as old:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        _drain_in_sql(track, drained)
        after = _costs()
        old.execute("ROLLBACK")
    both = {"before": before, "after": after}
    return {**both, "drained": drained, "largest_ratio": _ratios(both)}


def _costs() -> dict[str, float]:
    """As a dispatch that names its own messages looks, and as the relay's does: from the start."""
    handler, here = handlers.get("work.deduct_batch"), Delivery.here()
    own = make_due(handler.name, 1)
    connection.cursor().execute("UPDATE outbox_message SET due_at = 'infinity' WHERE id = %s", own)
    found = {
        "empty_poll_ms": _timed(lambda: claims.open_next(handler, here, None, own[0])),
        "empty_poll_from_the_start_ms": _timed(lambda: claims.open_next(handler, here)),
        "relay_count_ms": _timed(lambda: relay._due_per_handler()),
    }
    first = min(make_due(handler.name, DUE))
    found["claim_500_ms"] = _timed(lambda: claims.open_next(handler, here, None, first))
    found["claim_500_from_the_start_ms"] = _timed(lambda: claims.open_next(handler, here))
    found["enqueue_ms"] = _timed(enqueue_one)
    connection.cursor().execute("DELETE FROM outbox_message WHERE state = 'pending'")
    return found


def make_due(handler: str, count: int) -> list[UUID]:
    """So many messages, of which nobody is told."""
    with transaction.atomic():
        ids = outbox.enqueue_many(handler, [job.as_args() for job in work.sequence(count)])
        connection.run_on_commit.clear()
    return ids


def _timed(act: Callable[[], Any]) -> float:
    """Milliseconds of the median try, each rolled back."""
    return round(1000 * median(once(act) for _ in range(TRIES)), 3)


def once(act: Callable[[], Any]) -> float:
    """Seconds of one try, which is rolled back."""
    with transaction.atomic():
        began = time.perf_counter()
        act()
        taken = time.perf_counter() - began
        transaction.set_rollback(True)
    return taken


def enqueue_one() -> None:
    """A message of an ordinary handler."""
    outbox.enqueue("work.deduct", args={"operation": "x", "account_id": 1})


def finish(track: Track, count: int, last: datetime) -> None:
    """So many finished messages, as a hundred a second would have left them until then."""
    if count:
        model = outbox.Message.objects.create(**_MODEL, state="done", finished_at=Now())
        _copy(track, model, count, "done", last)


def _drain_in_sql(track: Track, count: int) -> None:
    """Enqueue, record, finish and forget the records in portions of 1,000, in commits of their own:
    the versions that workers leave, with as many records as ordinary messages have at least.
    """
    model = outbox.Message.objects.create(**_MODEL)
    for _ in range(count // 1_000):
        _copy(track, model, 1_000, "pending", None)
        track.ledger.connection.execute(_RECORDED, {"most": pace.MOST})
        track.ledger.connection.execute(_DONE)
        track.ledger.connection.execute("DELETE FROM outbox_run")


def _copy(
    track: Track, model: outbox.Message, count: int, state: str, finished: datetime | None
) -> None:
    values = {"model": model.pk, "count": count, "state": state, "finished": finished}
    track.ledger.connection.execute(_copies(), values)


def _ratios(table: dict[str, dict[str, float]]) -> dict[str, float]:
    first, *_, last = table.values()
    return {name: round(last[name] / first[name], 2) for name in first}


_MODEL: dict[str, Any] = {
    "handler": "work.deduct_batch",
    "args": {"operation": "019aa000-0000-7000-8000-000000000000", "account_id": 7},
    "operation_id": "019aa000-0000-7000-8000-000000000000",
}

_OWN = {
    "id": "{id}",
    "operation_id": "{id}",
    "state": "%(state)s",
    "due_at": "now() - n * interval '10 ms'",
    "finished_at": "%(finished)s::timestamptz - n * interval '10 ms'",
}
"""What each copy has for itself. Ids are ordered by time, as `outbox.ids` makes them."""


def _copies() -> str:
    """The statement that copies one message, whatever its columns are."""
    milliseconds = "to_hex((extract(epoch FROM now()) * 1000 - n * 10)::bigint)"
    random = "substr(replace(gen_random_uuid()::text, '-', ''), 14)"
    uuid7 = f"(lpad({milliseconds}, 12, '0') || '7' || {random})::uuid"
    columns = [str(field.column) for field in outbox.Message._meta.concrete_fields]
    named = ", ".join(f'"{one}"' for one in columns)
    values = ", ".join(_OWN.get(one, f'model."{one}"').format(id=uuid7) for one in columns)
    return (
        f"INSERT INTO outbox_message ({named}) SELECT {values} "  # noqa: S608 - no value of anybody
        "FROM outbox_message AS model, generate_series(1, %(count)s) AS n "
        "WHERE model.id = %(model)s"
    )


_RECORDED = """
    INSERT INTO outbox_run (id, handler, message_ids, worker, task_id)
    SELECT gen_random_uuid(), handler, array_agg(id), 'bench', '' FROM (
        SELECT id, handler, (row_number() OVER (ORDER BY id) - 1) / %(most)s AS record
        FROM outbox_message WHERE state = 'pending'
    ) AS message
    GROUP BY handler, record
"""

_DONE = """
    UPDATE outbox_message SET state = 'done', finished_at = statement_timestamp()
    WHERE state = 'pending'
"""
