"""Enqueue: write down, inside the business transaction, that an effect shall happen."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from outbox import context, dispatch, groups, handlers, keys
from outbox.errors import InvalidArguments, NotInTransaction
from outbox.ids import as_array, uuid7, uuids7
from outbox.keys import FOREVER, Unique
from outbox.models import LARGEST_ARGS, Message

State = Message.State

AT_ONCE = 5_000
"""Messages that one statement of `enqueue_many` inserts: 40 MB where all are as large as may be."""


@dataclass(frozen=True)
class Enqueued:
    """The message that stands for the request, and whether this call made it."""

    message_id: UUID
    created: bool


def enqueue(
    handler: str,
    *,
    args: dict[str, Any],
    key: str | None = None,
    unique: Unique = FOREVER,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    group: str | None = None,
    operation_id: UUID | None = None,
) -> Enqueued:
    """Insert a message in the current transaction; it is dispatched when that commits.

    `args` are ids and small values, as JSON. `due_at` (aware; default: now, by the database's
    clock) is the earliest moment to run, `expires_at` the last one at which it makes sense.
    Messages of one `group` run in order, one at a time.

    A second call with the same `key` and arguments returns the first one's message for as long
    as `unique` says, and inserts nothing. Raises NotInTransaction, UnknownHandler,
    InvalidArguments, KeyConflict (same key, other arguments), ValueError (times without a zone,
    or beyond the year 9999), TypeError (something else than what is declared above).
    """
    declared = handlers.get(handler)
    _require_transaction()
    text = _check_args(args)
    _check_times(due_at, expires_at)
    _check_type(unique, Unique, "unique", "outbox.FOREVER, WHILE_PENDING or for_period(…)")
    _check_type(operation_id, UUID | None, "operation_id", "a UUID")
    if group is not None:
        _check_name(group, "group")
    message_id = uuid7()
    operation = operation_id or context.current_operation()
    traceparent = context.current_traceparent(operation)
    # What can raise in Python has by now: a key that was taken stands for a message, come what may.
    if key is not None:
        taken = keys.take(_check_name(key, "key"), unique, handler, args, message_id)
        if taken.held:  # a dispatch may pass it by meanwhile
            dispatch.after_commit(connection, declared, [taken.owner])
        if taken.owner != message_id:
            return Enqueued(taken.owner, created=False)
    group_seq, state = (None, State.PENDING) if group is None else groups.join(group)
    _insert(
        [message_id],
        [text],
        {
            "handler": handler,
            "state": state,
            "due_at": due_at,
            "expires_at": expires_at,
            "group": group,
            "group_seq": group_seq,
            "key": key,
            "operation": operation,
            "traceparent": traceparent,
        },
    )
    if due_at is None and state == State.PENDING:
        dispatch.after_commit(connection, declared, [message_id])
    return Enqueued(message_id, created=True)


def enqueue_many(
    handler: str,
    args: Iterable[dict[str, Any]],
    *,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    operation_id: UUID | None = None,
) -> list[UUID]:
    """Insert one message for each of `args`, thousands in a statement. Returns their ids, in order.

    Without keys: make the set itself once, by a constraint on the rows that it stands for.
    Raises as `enqueue` does, before anything is inserted.
    """
    declared = handlers.get(handler)
    _require_transaction()
    _check_times(due_at, expires_at)
    _check_type(operation_id, UUID | None, "operation_id", "a UUID")
    operation = operation_id or context.current_operation()
    traceparent = context.current_traceparent(operation)
    texts = [_check_args(one) for one in args]
    ids = uuids7(len(texts))  # due at the same moment, they are claimed in their order
    common = {
        "handler": handler,
        "state": State.PENDING,
        "due_at": due_at,
        "expires_at": expires_at,
        "group": None,
        "group_seq": None,
        "key": None,
        "operation": operation,
        "traceparent": traceparent,
    }
    for start in range(0, len(ids), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        _insert(ids[some], texts[some], common)
    if due_at is None and ids:
        dispatch.after_commit(connection, declared, ids)
    return ids


def _insert(ids: Sequence[UUID], args: Sequence[str], common: dict[str, Any]) -> None:
    """A message for each id, with its arguments as JSON, and what they have in common."""
    # atomic(): whoever swallows a failure of it must not commit. So the ORM's own writes do it.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_INSERT, {**common, "ids": as_array(ids), "args": f"[{','.join(args)}]"})


# What `save` and `bulk_create` write. Those handle each of a row's columns in Python: that costs
# half of a single message's price, and nine tenths of that of one among many.
_INSERT = """
    INSERT INTO outbox_message
        (id, handler, args, state, due_at, expires_at, "group", group_seq, key, operation_id,
         traceparent, attempts, crashes, alone, last_error, worker, task_id)
    SELECT id, %(handler)s, args, %(state)s,
           COALESCE(%(due_at)s::timestamptz, statement_timestamp()), %(expires_at)s::timestamptz,
           %(group)s, %(group_seq)s::bigint, %(key)s, %(operation)s::uuid, %(traceparent)s,
           0, 0, false, '', '', ''
    FROM ROWS FROM (unnest(%(ids)s::uuid[]), jsonb_array_elements(%(args)s::jsonb))
         AS one (id, args)
"""


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise NotInTransaction(
            "enqueue needs an open transaction: put it and the business rows that it speaks of "
            "into one `with transaction.atomic():` block."
        )


def _check_args(args: dict[str, Any]) -> str:
    """Them as JSON; raises InvalidArguments."""
    if not isinstance(args, dict) or not all(isinstance(name, str) for name in args):
        raise InvalidArguments("Arguments are a dict with names as keys, such as {'order_id': 7}.")
    try:
        text = json.dumps(args, allow_nan=False)
        _check_plain(args)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArguments(f"Arguments must be plain JSON: {error}. Pass ids.") from error
    size = len(text)  # in bytes as well: json.dumps writes ASCII
    if size > LARGEST_ARGS:
        raise InvalidArguments(
            f"Arguments of {size:,} bytes are above the limit of {LARGEST_ARGS:,}. "
            "Store the data in a table and pass its id."
        )
    return text


def _check_plain(value: object) -> None:
    """What json.dumps changes without a word, or PostgreSQL refuses when nobody knows why any more.

    Raises ValueError, TypeError.
    """
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no character
        if "\x00" in value:
            raise ValueError("PostgreSQL stores no NUL character")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"the name {name!r} would become a string")
            _check_plain(name)
            _check_plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_plain(inner)


def _check_type(value: object, wanted: Any, what: str, in_words: str) -> None:
    if not isinstance(value, wanted):
        raise TypeError(f"{what} is {in_words}, not {value!r:.80}.")


def _check_name(name: str, what: str) -> str:
    _check_type(name, str, what, "a string")
    if not name or len(name) > 200 or not name.isprintable():
        raise InvalidArguments(f"A {what} has 1 to 200 printable characters, not {name!r:.80}.")
    return name


_MIN, _MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _check_times(due_at: datetime | None, expires_at: datetime | None) -> None:
    for name, moment in (("due_at", due_at), ("expires_at", expires_at)):
        _check_type(moment, datetime | None, name, "a datetime with a time zone")
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name} needs a time zone: {moment} could be any of several moments.")
        if moment is not None and not _MIN <= moment <= _MAX:  # stored, but never read again
            raise ValueError(f"{name} {moment} lies outside the years 1 to 9999 in UTC.")
    if due_at and expires_at and expires_at < due_at:
        raise ValueError(f"expires_at {expires_at} lies before due_at {due_at}.")
