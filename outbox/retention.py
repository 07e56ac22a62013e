"""Retention: what has ended is deleted in small batches, oldest first, beside whatever runs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

BATCH = 1_000
"""Rows per transaction: 100,000 at once take seconds, and hold what they lock for as long."""

DEFAULTS = {
    "done": timedelta(days=7),
    "expired": timedelta(days=30),
    "cancelled": timedelta(days=30),
    "discarded": timedelta(days=30),
    "dead": timedelta(days=365),
    "answers": timedelta(days=7),
}
"""How long each state is kept; `OUTBOX_RETENTION` in the settings overrides any of them."""


def prune_batch() -> int:
    """Delete up to a batch of each kind that is past its time. Returns how many rows went.

    Two at once take different rows. Keys go by their own `until`, so that "for ever" outlives the
    message; a group goes with the last of its messages. A dead one that others wait behind stays:
    they would go on without anybody having said so.
    """
    keep = DEFAULTS | getattr(settings, "OUTBOX_RETENTION", {})
    with transaction.atomic(), connection.cursor() as cursor:
        deleted: int = _prune_messages(cursor, keep)
        # Held first and asked afterwards: what a statement finds may be handed over before it has
        # the lock, and the lock alone does not make it look again at the key's message.
        lapsed = _first_column(cursor, _LAPSED_KEYS, {"batch": BATCH})
        cursor.execute(_KEYS, {"keys": lapsed})
        deleted += cursor.rowcount
        cursor.execute(_ANSWERS, {"age": keep["answers"], "batch": BATCH})
        deleted += cursor.rowcount
    return deleted


def _prune_messages(cursor: Any, keep: dict[str, timedelta]) -> int:
    """Returns how many went. Groups are held before the last look at who is in them, and few of
    them: whoever enqueues into one that goes on must not wait for this.
    """
    old: list[UUID] = []
    for state in ("done", "expired", "cancelled", "discarded", "dead"):
        old += _first_column(cursor, _OLD, {"state": state, "age": keep[state], "batch": BATCH})
    if not old:
        return 0
    held = _first_column(cursor, _GROUPS_OF_DEAD, {"ids": old})
    left = _first_column(cursor, _MESSAGES, {"ids": old, "held": held})
    empty = _first_column(cursor, _EMPTY_GROUPS, {"names": sorted({*left} - {None})})
    cursor.execute(_GROUPS, {"names": empty})
    return len(left)


def _first_column(cursor: Any, sql: str, parameters: dict[str, Any]) -> list[Any]:
    cursor.execute(sql, parameters)
    return [row[0] for row in cursor.fetchall()]


_IN_NOBODYS_WAY = """
    NOT (message.state = 'dead' AND message."group" IS NOT NULL AND EXISTS (
        SELECT FROM outbox_message AS behind
        WHERE behind."group" = message."group" AND behind.state IN ('pending', 'parked')))
"""

_OLD = f"""
    SELECT id FROM outbox_message AS message
    WHERE state = %(state)s AND finished_at < now() - %(age)s AND {_IN_NOBODYS_WAY}
    ORDER BY finished_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - no value is part of the text

# Whoever enqueues into a group holds its row. What is held elsewhere is left for the next time.
_GROUPS_OF_DEAD = """
    SELECT name FROM outbox_group
    WHERE name IN (SELECT "group" FROM outbox_message WHERE id = ANY(%(ids)s) AND state = 'dead')
    ORDER BY name FOR UPDATE SKIP LOCKED
"""

_MESSAGES = f"""
    WITH old AS (
        SELECT id FROM outbox_message AS message
        WHERE id = ANY(%(ids)s) AND {_IN_NOBODYS_WAY}
          AND (state <> 'dead' OR "group" IS NULL OR "group" = ANY(%(held)s))
    ), events AS (
        DELETE FROM outbox_event WHERE message_id IN (SELECT id FROM old)
    )
    DELETE FROM outbox_message WHERE id IN (SELECT id FROM old) RETURNING "group"
"""  # noqa: S608

_EMPTY = """
    name = ANY(%(names)s)
    AND NOT EXISTS (SELECT FROM outbox_message WHERE "group" = outbox_group.name)
"""
_EMPTY_GROUPS = f"""
    SELECT name FROM outbox_group WHERE {_EMPTY} ORDER BY name FOR UPDATE SKIP LOCKED
"""  # noqa: S608
_GROUPS = f"DELETE FROM outbox_group WHERE {_EMPTY}"  # noqa: S608

# A while-pending key's time is past from the start: it goes when its message is done or gone. One
# that ended otherwise may be redriven, and needs its key again.
_LAPSED = """
    until < now() AND NOT (rule = 'while_pending' AND EXISTS (
        SELECT FROM outbox_message WHERE id = lapsed.message_id AND state <> 'done'))
"""

_LAPSED_KEYS = f"""
    SELECT key FROM outbox_idempotencykey AS lapsed
    WHERE {_LAPSED} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608

_KEYS = f"""
    DELETE FROM outbox_idempotencykey AS lapsed WHERE key = ANY(%(keys)s) AND {_LAPSED}
"""  # noqa: S608

_ANSWERS = """
    DELETE FROM outbox_storedanswer WHERE id IN (
        SELECT id FROM outbox_storedanswer
        WHERE created_at < now() - %(age)s
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )
"""
