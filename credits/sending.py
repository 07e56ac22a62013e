"""The lease of a call: how long it is, whether it still holds, and whether its sender is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import reverse

import outbox
from credits import clock

LONGEST_PRESENCE = timedelta(minutes=10)
"""How long a sender that is there but silent (frozen) keeps a text from being settled."""


def lease() -> timedelta:
    """From "sending" until the call has surely ended: connecting and reading may each take the
    time-out, and as much again is left for what comes before the call."""
    return timedelta(seconds=3 * settings.TEXTS.timeout)


def still_allowed(text_id: int, token: UUID) -> bool:
    """Whether the call may be made now, and will have ended within the lease."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM credits_textmessage AS text
                JOIN credits_campaign AS campaign ON campaign.id = text.campaign_id
                WHERE text.id = %s AND text.token = %s AND text.state = 'sending'
                  AND text.lease_until > clock_timestamp() + make_interval(secs => %s)
                  AND (campaign.deadline IS NULL OR campaign.deadline > clock_timestamp()))
            """,
            [text_id, token, 2 * settings.TEXTS.timeout],
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def presence(token: UUID) -> Iterator[None]:
    """While the sender is at it, a database session of its own holds an advisory lock. A killed
    sender's falls with its connection; a frozen one's stays, and says so."""
    session = _session()
    with session.cursor() as cursor:
        _run(cursor, "pg_try_advisory_lock", token)
    try:
        yield
    finally:
        with session.cursor() as cursor:
            _run(cursor, "pg_advisory_unlock", token)


def is_sender_gone(token: UUID) -> bool:
    """Whether nobody holds that lock. Call it in a transaction, which holds it until its end."""
    with connection.cursor() as cursor:
        return _run(cursor, "pg_try_advisory_xact_lock", token)


def enqueue_settling(text_id: int, *, delay: float, look: int = 1) -> None:
    """Enqueue a look at what became of the text, `delay` seconds from now."""
    outbox.enqueue(
        "credits.settle_text",
        args={"text_id": text_id, "look": look},
        due_at=clock.after(max(delay, 0.001)),
    )


def callback_address(token: UUID) -> str:
    """Where the provider tells what became of this attempt; empty: nowhere."""
    if not settings.TEXTS.public_url:
        return ""
    return str(settings.TEXTS.public_url + reverse("credits:callback", args=[token]))


def _session() -> BaseDatabaseWrapper:
    """The usual connection; behind a pooler, which forgets sessions, one that goes past it."""
    if "direct" not in connections:
        return connections["default"]
    session = connections["direct"]
    session.close_if_unusable_or_obsolete()  # nobody else looks after it between two calls
    return session


def _run(cursor: object, function: str, token: UUID) -> bool:
    sql = f"SELECT {function}(hashtextextended(%s, 0))"
    cursor.execute(sql, [f"credits.sending:{token}"])  # type: ignore[attr-defined]
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]
