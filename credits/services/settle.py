"""Settling an unknown outcome: by the provider's list, else by policy, never by a guess.

A callback may settle the text at any time before; then there is nothing left to do here.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from credits import clock, evidence, providers, sending
from credits.models import Campaign, Community, TextEvent, TextMessage

PATIENCE = timedelta(hours=24)
"""How long a provider whose list cannot be read is asked again before the policy decides."""

RIVALS_PATIENCE = 6
"""Looks at the list to wait for callbacks where equal texts to one number are open and one is
listed."""

MOST_RESENDS = 2
"""How often a text is sent again by policy: each may be one more duplicate, and a campaign ends."""

logger = logging.getLogger("credits.settle")
State = TextMessage.State
Kind = TextEvent.Kind


@dataclass(frozen=True)
class Question:
    """What to look for in the provider's list, and what its absence would prove."""

    text_id: int
    token: UUID
    phone: str
    body: str
    since: datetime
    absence_counts: bool
    out_of_patience: bool
    look: int


def settle_texts(looks: Mapping[int, int]) -> None:
    """Look for those of these texts whose outcome is open; the number says which look it is.

    Nearly all have been settled by then, and cost no more than their part of one query.
    """
    open_ones = TextMessage.objects.filter(
        pk__in=looks, state__in=[State.SENDING, State.UNKNOWN]
    ).values_list("pk", flat=True)
    with transaction.atomic():
        for text_id in sorted(open_ones):
            settle_text(text_id=text_id, look=looks[text_id])


def settle_text(*, text_id: int, look: int) -> None:
    """Look for a text whose outcome is open, once this transaction is committed.

    The next look is enqueued first, so that none is the last while the outcome is open. A second
    call, or one for a settled text, changes nothing. Runs in the consumer's transaction.
    """
    with transaction.atomic():
        text = _held(text_id)
        if text.state not in (State.SENDING, State.UNKNOWN) or text.lease_until is None:
            return None
        now = clock.after(0)
        if text.state == State.SENDING:
            if now < text.lease_until:
                left = (text.lease_until - now).total_seconds()
                return sending.enqueue_settling(text_id, delay=left + settings.TEXTS.list_lag)
            _doubt(text)
        sending.enqueue_settling(text_id, delay=min(2.0**look, 300), look=look + 1)
        question = _question(text, now, look)
        transaction.on_commit(lambda: _look(question))
    return None


def _question(text: Any, now: datetime, look: int) -> Question:
    return Question(
        text_id=text.pk,
        token=text.token,
        phone=text.phone,
        body=text.body,
        since=text.sending_at,
        absence_counts=_absence_counts(text, now),
        out_of_patience=now >= text.sending_at + PATIENCE,
        look=look,
    )


def _absence_counts(text: Any, now: datetime) -> bool:
    """Asked before the list is: a sender that is there may still make its call behind it.

    Once it is gone the list needs as long as ever to show what it has sent.
    """
    if now < text.lease_until + timedelta(seconds=settings.TEXTS.list_lag):
        return False
    if not _sender_is_gone(text):
        evidence.change(text, lease_until=Now())
        return False
    return True


def _doubt(text: TextMessage) -> None:
    evidence.change(text, state=State.UNKNOWN)
    evidence.note(text, Kind.UNKNOWN, token=text.token, detail="its sender has not said a word")


def _look(question: Question) -> None:
    """After the commit, outside any transaction. Never raises: another look is enqueued, and the
    others of the batch come behind it."""
    try:
        _find_and_record(question)
    except Exception:
        logger.exception("a look was in vain", extra={"text_id": question.text_id})


def _find_and_record(question: Question) -> None:
    try:
        found = _find(question)
    except providers.OutOfReach as error:
        _record_unlistable(question, str(error))
    else:
        _record_listing(question, found)


def _find(question: Question) -> list[str]:
    """A frozen sender is waited for as long: what was created later is another text."""
    until = question.since + sending.LONGEST_PRESENCE
    found = providers.find(to=question.phone, body=question.body, since=question.since, until=until)
    return list(found)


def _record_unlistable(question: Question, why: str) -> None:
    with transaction.atomic():
        text = _open(question)
        if text:
            evidence.note(text, Kind.UNLISTABLE, token=question.token, detail=why)
            if question.out_of_patience:
                _by_policy(text, "the provider could not be asked for a day")


def _record_listing(question: Question, found: list[str]) -> None:
    with transaction.atomic():
        text = _open(question)
        if text is None:
            return
        taken = set(TextMessage.objects.filter(sid__in=found).values_list("sid", flat=True))
        ours = [sid for sid in found if sid not in taken]
        if _is_ours(text, ours, question.look):
            evidence.note(text, Kind.LISTED, token=question.token, sid=ours[0])
            evidence.sent(text, sid=ours[0], by="listing")
        elif not ours and question.absence_counts:
            evidence.note(text, Kind.NOT_LISTED, token=question.token)
            _by_policy(text, "not in the provider's list after time-out and lag")


def _by_policy(text: TextMessage, why: str) -> None:
    """Refund and never resend; or resend, where the community accepts duplicates for it."""
    if _may_be_resent(text):
        evidence.note(text, Kind.POLICY, token=text.token, detail=f"sent again: {why}")
        evidence.change(text, state=State.QUEUED, handed_at=None)
        return
    evidence.note(text, Kind.POLICY, token=text.token, detail=f"credits given back: {why}")
    evidence.failed(text, reason=why, by="listing")


def _may_be_resent(text: TextMessage) -> bool:
    campaign = text.campaign
    resend = campaign.community.unknown_policy == Community.UnknownPolicy.RESEND
    if not resend or campaign.status not in Campaign.OPEN:
        return False
    return text.events.filter(kind=Kind.POLICY).count() < MOST_RESENDS


def _sender_is_gone(text: Any) -> bool:
    """A frozen sender may still make its call: absence proves nothing while it is there."""
    if sending.is_sender_gone(text.token):
        return True
    long_gone = TextMessage.objects.filter(
        pk=text.pk, sending_at__lt=Now() - sending.LONGEST_PRESENCE
    )
    return long_gone.exists()


def _is_ours(text: TextMessage, listed: list[str], look: int) -> bool:
    """Whether one of these is this text, and not just as well an equal one whose outcome is open.

    Where no callback comes to tell, any of them will do; but not while a call is being made,
    whose reply is on its way.
    """
    rivals = _rivals(text)
    if len(listed) > len(rivals):
        return True
    return bool(listed) and State.SENDING not in rivals and _is_patient(text, look)


def _rivals(text: TextMessage) -> list[str]:
    """The states of other open texts that a listed one could be just as well."""
    same = TextMessage.objects.filter(
        phone=text.phone, body=text.body, state__in=[State.SENDING, State.UNKNOWN]
    )
    return list(same.exclude(pk=text.pk).values_list("state", flat=True))


def _is_patient(text: TextMessage, look: int) -> bool:
    """Whether the list was read often enough: a look that could not read it waited for nothing."""
    return look - text.events.filter(kind=Kind.UNLISTABLE).count() > RIVALS_PATIENCE


def _open(question: Question) -> TextMessage | None:
    # Its campaign before it, as always: that must not end at the moment at which a text comes back.
    Campaign.objects.filter(texts=question.text_id).locked().get()
    text = _held(question.text_id)
    return text if text.state == State.UNKNOWN and text.token == question.token else None


def _held(text_id: int) -> TextMessage:
    return TextMessage.objects.locked().select_related("campaign__community").get(pk=text_id)
