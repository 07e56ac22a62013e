"""Evidence, and what it moves: a reply, a callback, a listing or a policy settles a text here.

Each function takes a text that the caller holds. What is settled stays so: later evidence to the
contrary becomes a finding. The community's row is changed last, but for the count of its day.
"""

from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from credits import ledger
from credits.models import Finding, TextEvent, TextMessage
from credits.quota import daily

State = TextMessage.State
Kind = TextEvent.Kind


def note(text: TextMessage, kind: TextEvent.Kind, **more: Any) -> None:
    """Write a line of the text's story."""
    more["detail"] = more.get("detail", "")[:300]
    TextEvent.objects.create(text=text, kind=kind, **more)


def sent(text: TextMessage, *, sid: str, by: str, error_code: int | None = None) -> None:
    """The provider has the text. Its credits are spent; a second proof changes nothing."""
    if text.state in TextMessage.OPEN:
        change(
            text,
            state=State.SENT,
            sid=None if _is_of_another(text, sid) else sid,
            error_code=error_code,
            settled_by=by,
            finished_at=Now(),
        )
        ledger.capture(community_id=text.campaign.community_id, amount=text.segments)
    elif text.state in (State.FAILED, State.SKIPPED) and text.sid != sid:
        _find(text, Finding.Kind.SENT_AFTER_REFUND, sid, by)
    elif text.state in (State.SENT, State.DELIVERED) and text.sid not in (None, sid):
        _find(text, Finding.Kind.SENT_TWICE, sid, by)
    elif text.state == State.SENT and error_code:
        change(text, error_code=error_code)


def delivered(text: TextMessage, *, sid: str, by: str) -> None:
    """It arrived."""
    sent(text, sid=sid, by=by)
    if text.state == State.SENT and text.sid in (None, sid):
        change(text, state=State.DELIVERED)


def failed(
    text: TextMessage,
    *,
    reason: str,
    by: str,
    error_code: int | None = None,
    sid: str | None = None,
) -> None:
    """It surely did not go out: its credits come back. A settled one stays as it is.

    One that the provider took and then gave up on, before it left, was spent: that is refunded.
    """
    was = text.state
    ends = was in TextMessage.OPEN or (was == State.SENT and sid is not None and text.sid == sid)
    if not ends:
        return
    if sid and sid != text.sid and _is_of_another(text, sid):
        sid = None
    change(
        text,
        state=State.FAILED,
        reason=reason[:300],
        error_code=error_code,
        sid=sid or text.sid,
        settled_by=by,
        finished_at=Now(),
    )
    _give_back(text, refund=was == State.SENT, actor=by)


def skipped(text: TextMessage, *, reason: str) -> None:
    """It was not sent and will not be: its campaign has ended, or its member wants no texts."""
    if text.state not in TextMessage.OPEN:
        return
    change(text, state=State.SKIPPED, reason=reason, finished_at=Now())
    note(text, Kind.SKIPPED, detail=reason)
    _give_back(text, refund=False, actor="campaign")


def change(text: TextMessage, **columns: Any) -> None:
    """Write to the text that is held, and read it again."""
    TextMessage.objects.filter(pk=text.pk).update(**columns)
    text.refresh_from_db(fields=list(columns))


def attempt_of(token: UUID) -> int | None:
    """The text that an attempt was for; None where there was no such attempt."""
    found = TextEvent.objects.filter(kind=Kind.SENDING, token=token)
    return found.values_list("text_id", flat=True).first()


def _give_back(text: TextMessage, *, refund: bool, actor: str) -> None:
    campaign = text.campaign
    give = ledger.refund if refund else ledger.release
    give(
        community_id=campaign.community_id,
        campaign_id=campaign.pk,
        operation=f"text:{text.pk}:{'refund' if refund else 'release'}",
        amount=text.segments,
        actor=actor,
    )
    if text.counted_on:
        daily.give_back(campaign.community_id, text.counted_on)


def _is_of_another(text: TextMessage, sid: str) -> bool:
    """Where a listing took two equal texts for each other, the sums are right all the same."""
    return TextMessage.objects.filter(sid=sid).exclude(pk=text.pk).exists()


def _find(text: TextMessage, kind: Finding.Kind, sid: str, by: str) -> None:
    Finding.objects.get_or_create(
        text=text,
        kind=kind,
        sid=sid,
        defaults={"evidence": f"{by}: {sid}, when the text was {text.state}"},
    )
