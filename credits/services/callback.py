"""A callback of the provider: proof of what became of an attempt. They come in any order."""

from uuid import UUID

from django.db import IntegrityError, transaction

from credits import evidence
from credits.models import TextEvent, TextMessage

ACCEPTED = ("accepted", "scheduled", "queued", "sending", "sent", "undelivered")
"""Statuses that prove that the provider took the text; an undelivered one is charged as well."""

NEVER_LEFT = ("failed", "canceled")


class UnknownAttempt(Exception):
    """No attempt of ours has this token. Nothing was changed."""


def receive_callback(*, token: UUID, sid: str, status: str, error_code: int | None = None) -> bool:
    """Record a callback, and settle its text. False where the same was told before.

    Nothing moves backwards: "sent" after "delivered" changes nothing; proof of a text whose
    credits were given back becomes a finding; an earlier attempt that failed says nothing of a
    later one. Raises UnknownAttempt.
    """
    text_id = evidence.attempt_of(token)
    if text_id is None:
        raise UnknownAttempt
    with transaction.atomic():
        text = TextMessage.objects.locked().select_related("campaign").get(pk=text_id)
        if not _is_news(text, token, sid, status, error_code):
            return False
        if status == "delivered":
            evidence.delivered(text, sid=sid, by="callback")
        elif status in ACCEPTED:
            evidence.sent(text, sid=sid, by="callback", error_code=error_code)
        elif status in NEVER_LEFT and (token == text.token or sid == text.sid):
            reason = f"the provider gave it up ({status}, error {error_code})"
            evidence.failed(text, reason=reason, by="callback", error_code=error_code, sid=sid)
    return True


def _is_news(text: TextMessage, token: UUID, sid: str, status: str, error_code: int | None) -> bool:
    try:
        with transaction.atomic():
            evidence.note(
                text,
                TextEvent.Kind.CALLBACK,
                token=token,
                sid=sid,
                status=status,
                error_code=error_code,
            )
    except IntegrityError:  # text_callback_once_per_status
        return False
    return True
