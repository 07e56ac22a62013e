"""Retention: what has ended is deleted in small batches, oldest first, beside whatever runs."""

from datetime import timedelta

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

    Two at once take different rows. Keys go by their own `until` alone, so that "for ever"
    outlives the message.
    """
    keep = DEFAULTS | getattr(settings, "OUTBOX_RETENTION", {})
    with transaction.atomic(), connection.cursor() as cursor:
        deleted: int = 0
        for state in ("done", "expired", "cancelled", "discarded", "dead"):
            cursor.execute(_MESSAGES, {"state": state, "age": keep[state], "batch": BATCH})
            deleted += cursor.rowcount
        cursor.execute(_KEYS, {"batch": BATCH})
        deleted += cursor.rowcount
        cursor.execute(_ANSWERS, {"age": keep["answers"], "batch": BATCH})
        deleted += cursor.rowcount
    return deleted


_MESSAGES = """
    WITH old AS (
        SELECT id FROM outbox_message
        WHERE state = %(state)s AND finished_at < now() - %(age)s
        ORDER BY finished_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), events AS (
        DELETE FROM outbox_event WHERE message_id IN (SELECT id FROM old)
    )
    DELETE FROM outbox_message WHERE id IN (SELECT id FROM old)
"""

# A while-pending key's time is past from the start: it goes when its message waits no more.
_KEYS = """
    DELETE FROM outbox_idempotencykey WHERE key IN (
        SELECT key FROM outbox_idempotencykey AS lapsed
        WHERE until < now() AND NOT (rule = 'while_pending' AND EXISTS (
            SELECT 1 FROM outbox_message
            WHERE id = lapsed.message_id AND state IN ('pending', 'parked')))
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )
"""

_ANSWERS = """
    DELETE FROM outbox_storedanswer WHERE id IN (
        SELECT id FROM outbox_storedanswer
        WHERE created_at < now() - %(age)s
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )
"""
