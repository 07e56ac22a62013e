"""Idempotency keys: a second request with a known key is answered with the first one's message."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from outbox.errors import KeyConflict
from outbox.models import IdempotencyKey, Message

Rule = IdempotencyKey.Rule


@dataclass(frozen=True)
class Unique:
    """How long a key stands for its first message."""

    rule: Rule
    period: timedelta = timedelta(0)


FOREVER = Unique(Rule.FOREVER)
"""The key never lapses; it outlives its message."""

WHILE_PENDING = Unique(Rule.WHILE_PENDING)
"""Only while the message waits: one that was begun has read the past, and gets a follower."""


def for_period(period: timedelta) -> Unique:
    """For `period` from now, whatever becomes of the message. Raises ValueError at zero or less."""
    if period <= timedelta(0):
        raise ValueError(f"A key needs a period above zero, not {period}.")
    return Unique(Rule.PERIOD, period)


@dataclass(frozen=True)
class Taken:
    """Whose a key is, and whether that message was there before and its row is held by now."""

    owner: UUID
    held: bool = False


def take(key: str, unique: Unique, handler: str, args: dict[str, Any], new_id: UUID) -> Taken:
    """Hold the key's row and return whose it is: `new_id`, or the message that has it already.

    The row stays locked until the transaction ends, so a second request waits here for the first
    one's commit. A transaction that takes several keys takes them in sorted order. Raises
    KeyConflict where the key stands for other arguments.
    """
    args_hash = hash_of(handler, args)
    owner, known_hash, rule, stands = _insert_or_hold(key, unique, args_hash, new_id)
    if owner == new_id:
        return Taken(new_id)
    held = rule == Rule.WHILE_PENDING and _still_waiting(owner)
    # A while-pending key ends when it is made, which lies ahead of a transaction that began before.
    if not (held or (stands and rule != Rule.WHILE_PENDING)):
        _hand_over(key, unique, args_hash, new_id)
        return Taken(new_id)
    if known_hash != args_hash:
        raise KeyConflict(
            f"The key {key!r} stands for message {owner}, which has other arguments. "
            "Use a key of its own for each operation."
        )
    return Taken(owner, held)


def hash_of(handler: str, args: dict[str, Any]) -> str:
    """SHA-256 of what a key stands for; the order of the arguments makes no difference."""
    canonical = json.dumps([handler, args], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _insert_or_hold(
    key: str, unique: Unique, args_hash: str, new_id: UUID
) -> tuple[UUID, str, str, bool]:
    """In one statement: insert the row, or lock the one there by an update that changes nothing.

    ON CONFLICT waits for an uncommitted rival; a SELECT before an INSERT would not see it.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outbox_idempotencykey AS known (key, args_hash, message_id, rule, until)
            VALUES (%s, %s, %s, %s, CASE WHEN %s <> 'forever' THEN now() + %s::interval END)
            ON CONFLICT (key) DO UPDATE SET key = known.key
            RETURNING message_id, args_hash, rule, until IS NULL OR until > now()
            """,
            [key, args_hash, new_id, unique.rule, unique.rule, _interval(unique)],
        )
        row: tuple[UUID, str, str, bool] = cursor.fetchone()
    return row


def _still_waiting(message_id: UUID) -> bool:
    """Whether the message waits; if so it is held, so that nobody begins it before we commit.

    A message whose lock somebody else has is being run: it has read the past.
    """
    return Message.objects.waiting().among([message_id]).held().exists()


def _hand_over(key: str, unique: Unique, args_hash: str, new_id: UUID) -> None:
    """The key has lapsed: from now on it stands for the new message."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outbox_idempotencykey
            SET message_id = %s, args_hash = %s, rule = %s,
                until = CASE WHEN %s <> 'forever' THEN now() + %s::interval END
            WHERE key = %s
            """,
            [new_id, args_hash, unique.rule, unique.rule, _interval(unique), key],
        )


def _interval(unique: Unique) -> str:
    return f"{unique.period.total_seconds()} seconds"
