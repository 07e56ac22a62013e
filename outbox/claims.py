"""The statements between a dispatch and its effect, in SQL: each is one round trip.

Everything else in the outbox goes through the ORM. These run once per message, where the ORM's own
work would cost more than PostgreSQL's.
"""

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.base import ModelState

from outbox.delivery import Delivery
from outbox.handlers import Handler
from outbox.ids import as_array, uuid7
from outbox.models import Message, Run
from outbox.position import Position


def claim_first(handler: Handler, ids: Sequence[UUID]) -> list[Message]:
    """Take the row locks of those messages that are due and that nobody has run before.

    Those that others hold are skipped. Sets the transaction's time limits to the deadline.
    """
    parameters = {
        "handler": handler.name,
        "targets": handler.targets,
        "ids": as_array(ids),
        "limit": _limit(handler.deadline),
    }
    return _messages(_CLAIM_FIRST, parameters)


def claim_recorded(handler: Handler, run: Run, ids: Sequence[UUID]) -> list[Message]:
    """Take the run record, and with it the row locks of these of its messages if still due.

    The record is held until the commit, and deleted by it where nothing is left of the run. Where
    the relay took it for a crash meanwhile nothing is claimed: then the run must not happen. As
    `claim_first` otherwise.
    """
    parameters = {
        "run": run.id,
        "handler": handler.name,
        "ids": as_array(ids),
        "limit": _limit(handler.deadline),
    }
    return _messages(_CLAIM_RECORDED if run.message_ids else _CLAIM_LAST_RECORDED, parameters)


def mark_done(messages: Sequence[Message], delivery: Delivery) -> None:
    """Write that the effects of these held messages have happened, in the commit with them."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK_DONE,
            {
                "ids": as_array(message.id for message in messages),
                "dispatched_at": delivery.dispatched_at,
                "worker": delivery.worker,
                "task_id": delivery.task_id,
            },
        )
        if cursor.rowcount != len(messages):
            raise RuntimeError(f"{len(messages)} were held and {cursor.rowcount} marked done.")


def open_next(
    handler: Handler,
    delivery: Delivery,
    begin: Position | None = None,
    own: UUID | None = None,
    size: int = 1,
) -> Run | None:
    """Record the next run of what is due, or None where nothing is. The caller commits it.

    It looks from `begin` on, else from about the time at which the message `own` was made, else
    from the beginning: beside an old transaction the index is full of entries of finished rows
    that nobody may remove yet, and this passes them by. What lies before is the relay's to find.

    The candidates are held until then, so that two workers record different ones; those that a
    record names already are left to it. A message that must run alone gets a record of its own.
    """
    due_at, first = begin or (None, None)
    run = Run(id=uuid7(), handler=handler.name, worker=delivery.worker, task_id=delivery.task_id)
    run.opened_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN_NEXT,
            {
                "id": run.id,
                "handler": run.handler,
                "targets": handler.targets,
                "size": handler.batch_size or size,
                "due_at": due_at,
                "first": first,
                "own": own,
                "worker": run.worker,
                "task_id": run.task_id,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    run.message_ids, due_at = row
    run.position = Position(due_at, run.message_ids[0])
    return run


def _limit(deadline: timedelta) -> str:
    return str(int(deadline.total_seconds() * 1000))


def _messages(claim: str, parameters: dict[str, Any]) -> list[Message]:
    with connection.cursor() as cursor:
        cursor.execute(claim, parameters)
        return [_message(row) for row in cursor.fetchall()]


def _message(row: tuple[Any, ...]) -> Message:
    """What `Message.objects.raw` makes of a row, in less time: by no `__init__` and no signals.

    That made each message of a batch dearer in Python than its effect.
    """
    message = Message.__new__(Message)
    message._state = ModelState()
    message._state.adding, message._state.db = False, connection.alias
    message.__dict__.update(zip(_NAMES, row, strict=True))
    message.args = json.loads(message.args)
    return message


# No statement and no pause between two may outlast the deadline: PostgreSQL ends them. A worker
# that is cut off would otherwise keep its row locks for as long as TCP takes to notice.
_LIMITS = """
    limits AS MATERIALIZED (
        SELECT set_config('statement_timeout', %(limit)s, true),
               set_config('idle_in_transaction_session_timeout', %(limit)s, true)
    )
"""

# Asked once per statement, not per row. What a record names was taken before the pause, and runs.
_NOT_PAUSED = "NOT EXISTS (SELECT FROM outbox_pause WHERE target = ANY(%(targets)s))"

# What a run needs of a message. Django looks up any other column when it is
# asked for; reading all of them for each row of a batch took longer than the batch's effect,
# timestamps above all.
_FIELDS = (
    *("id", "handler", "args", "state", "expires_at", "group", "key", "operation_id"),
    *("traceparent", "attempts", "crashes", "alone"),
)
_NAMES = (*_FIELDS, "claimed_at")
_COLUMNS = ", ".join(
    (
        *(f'message."{name}"' for name in _FIELDS),
        "CASE WHEN message.expires_at IS NOT NULL THEN statement_timestamp() END AS claimed_at",
    )
)

_CLAIM_FIRST = f"""
    WITH {_LIMITS}
    SELECT {_COLUMNS}
    FROM limits, outbox_message AS message
    WHERE message.id = ANY(%(ids)s::uuid[]) AND message.handler = %(handler)s
      AND message.state = 'pending' AND message.due_at <= statement_timestamp()
      AND message.attempts = 0 AND message.crashes = 0 AND NOT message.alone
      AND {_NOT_PAUSED}
    ORDER BY message.due_at, message.id
    FOR NO KEY UPDATE OF message SKIP LOCKED
"""  # noqa: S608 - no value is part of the text

_TAKE_RECORD = "SELECT id FROM outbox_run WHERE id = %(run)s FOR UPDATE"
_USE_RECORD_UP = "DELETE FROM outbox_run WHERE id = %(run)s RETURNING id"


def _claim_recorded(record: str) -> str:
    return f"""
        WITH {_LIMITS}, record AS ({record})
        SELECT {_COLUMNS}
        FROM limits, record, outbox_message AS message
        WHERE message.id = ANY(%(ids)s::uuid[]) AND message.handler = %(handler)s
          AND message.state = 'pending' AND message.due_at <= statement_timestamp()
        ORDER BY message.due_at, message.id
        FOR NO KEY UPDATE OF message SKIP LOCKED
    """  # noqa: S608


_CLAIM_RECORDED = _claim_recorded(_TAKE_RECORD)
_CLAIM_LAST_RECORDED = _claim_recorded(_USE_RECORD_UP)

# now() is when the transaction began, which the claim does.
_MARK_DONE = """
    UPDATE outbox_message
    SET state = 'done', attempts = attempts + 1, started_at = now(),
        finished_at = statement_timestamp(), dispatched_at = %(dispatched_at)s,
        worker = %(worker)s, task_id = %(task_id)s
    WHERE id = ANY(%(ids)s::uuid[]) AND state = 'pending'
"""

# The second of tolerance is for transactions that began before that of `own` and ended after it.
_OPEN_NEXT = f"""
    WITH own AS (
        SELECT created_at - interval '1 second' AS begin FROM outbox_message WHERE id = %(own)s
    ), due AS MATERIALIZED (
        SELECT id, due_at, alone FROM outbox_message
        WHERE handler = %(handler)s AND state = 'pending' AND due_at <= statement_timestamp()
          AND (due_at, id) >= (
              COALESCE(%(due_at)s::timestamptz, (SELECT begin FROM own), '-infinity'),
              COALESCE(%(first)s::uuid, '00000000-0000-0000-0000-000000000000')
          )
          AND id NOT IN (SELECT unnest(message_ids) FROM outbox_run) AND {_NOT_PAUSED}
        ORDER BY due_at, id LIMIT %(size)s
        FOR NO KEY UPDATE SKIP LOCKED
    ), numbered AS (
        SELECT id, due_at, alone, row_number() OVER (ORDER BY due_at, id) AS place FROM due
    ), chosen AS (
        SELECT id, place FROM numbered
        WHERE CASE WHEN (SELECT alone FROM numbered WHERE place = 1)
              THEN place = 1 ELSE NOT alone END
    )
    INSERT INTO outbox_run (id, handler, message_ids, worker, task_id)
    SELECT %(id)s, %(handler)s, array_agg(id ORDER BY place), %(worker)s, %(task_id)s FROM chosen
    HAVING count(*) > 0
    RETURNING message_ids, (SELECT due_at FROM numbered WHERE place = 1)
"""  # noqa: S608
