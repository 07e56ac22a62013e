"""Sending one text: "sending" is committed first, the call comes after, its result is committed.

    transaction 1   queued → sending, under a lease with a token; the settling message is enqueued
    no transaction  lease and deadline are looked at once more; the call, with a time-out
    transaction 2   the result, as evidence under that token

Whatever dies in between leaves a text that says "sending", and a message that will settle it.
"""

import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

import outbox
from credits import clock, evidence, providers, sending
from credits.models import Campaign, Community, TextEvent, TextMessage
from credits.quota import daily, rate
from credits.services import drive, members

LONGEST_WAIT = 1.0
"""Seconds that a worker waits for its place in the provider's rate. Whoever would wait longer puts
the text off instead."""

MOST_ATTEMPTS = 20_000
"""Attempts after which a text that is put off again and again has failed: a week of them. None of
the reasons (nobody there, our account not let in, too many requests) is the text's own."""

logger = logging.getLogger("credits.send")
State = TextMessage.State
Kind = TextEvent.Kind


@dataclass(frozen=True)
class Attempt:
    """One call that may be made, under the lease that the token stands for."""

    text_id: int
    token: UUID
    phone: str
    body: str


def send_text(*, text_id: int) -> None:
    """Claim a queued text, and make the call once that is committed.

    A second call finds it claimed and does nothing; so does one whose campaign is paused, ended
    or out of the day's cap: the driver hands the text out again. Who has opted out since the start
    is skipped. Raises outbox.Snooze where the provider's rate allows it only later. Runs in the
    consumer's transaction.
    """
    if not _may_go(text_id):
        _hand_back(text_id)
        return
    place = rate.ask(LONGEST_WAIT)
    if not place.taken:
        raise outbox.Snooze(timedelta(seconds=place.wait), "the provider's rate is reached")
    time.sleep(place.wait)  # nothing is held but this text's own message
    with transaction.atomic():
        attempt = _claim(text_id)
        if attempt:
            transaction.on_commit(lambda: _make_call(attempt))


def abandon_text(args: dict[str, Any], state: str, reason: str) -> None:
    """A text's message ended otherwise than done: what is still queued has failed."""
    for text in TextMessage.objects.locked().filter(pk=args["text_id"], state=State.QUEUED):
        evidence.note(text, Kind.ABANDONED, detail=reason)
        evidence.failed(text, reason=f"its message is {state}: {reason}", by="outbox")


def record(attempt: Attempt, outcome: providers.Outcome) -> None:
    """Commit what came of a call. Late or not, it is evidence; only a queue needs the token."""
    with transaction.atomic():
        if isinstance(outcome, providers.Postponed):
            # Before the text, as always: it must not end at the moment at which a text comes back.
            Campaign.objects.filter(texts=attempt.text_id).locked().get()
        text = _held(attempt.text_id)
        ours = text.token == attempt.token and text.state in (State.SENDING, State.UNKNOWN)
        match outcome:
            case providers.Accepted(sid):
                _note(text, attempt, Kind.ACCEPTED, sid=sid)
                evidence.sent(text, sid=sid, by="reply")
            case providers.Refused(reason, code):
                _note(text, attempt, Kind.REFUSED, detail=reason, error_code=code)
                if ours:
                    _refuse(text, reason, code)
            case providers.Postponed(reason, code):
                _note(text, attempt, Kind.POSTPONED, detail=reason, error_code=code)
                if ours:
                    _postpone(text, reason)
            case providers.Unknown(reason):
                _note(text, attempt, Kind.UNKNOWN, detail=reason)
                if ours and text.state == State.SENDING:
                    _doubt(text)


def _may_go(text_id: int) -> bool:
    in_time = Q(campaign__deadline=None) | Q(campaign__deadline__gt=Now())
    running = Q(campaign__status=Campaign.Status.RUNNING)
    return TextMessage.objects.filter(in_time, running, pk=text_id, state=State.QUEUED).exists()


def _hand_back(text_id: int) -> None:
    TextMessage.objects.filter(pk=text_id, state=State.QUEUED).update(handed_at=None)


def _claim(text_id: int) -> Attempt | None:
    text = _held(text_id)
    if text.state != State.QUEUED:
        return None
    if text.member.opted_out_at:
        evidence.skipped(text, reason="the member has opted out meanwhile")
        return None
    if not _is_counted(text):
        return None
    token = outbox.ids.uuid7()
    claimed = TextMessage.objects.filter(pk=text_id, state=State.QUEUED).update(
        state=State.SENDING,
        token=token,
        attempts=F("attempts") + 1,
        sending_at=Now(),
        lease_until=Now() + sending.lease(),
        counted_on=text.counted_on,
    )
    if claimed != 1:
        raise RuntimeError(f"text {text_id} changed while it was held")
    attempt = Attempt(text.pk, token, text.phone, text.body)
    _note(text, attempt, Kind.SENDING)
    delay = sending.lease().total_seconds() + settings.TEXTS.list_lag
    sending.enqueue_settling(text.pk, delay=delay)
    return attempt


def _is_counted(text: TextMessage) -> bool:
    """Count the text against its community's day, once a day; False where the cap is reached."""
    community: Community = text.campaign.community
    if community.daily_cap is None:
        return True
    if text.counted_on:
        if text.counted_on == daily.today():
            return True
        _leave_day(text, text.counted_on)
    text.counted_on = daily.take(community)
    if text.counted_on is None:
        _hand_back(text.pk)
    return text.counted_on is not None


def _leave_day(text: TextMessage, day: date) -> None:
    """That day is over, and the text was not sent on it."""
    daily.give_back(text.campaign.community_id, day)
    evidence.change(text, counted_on=None)


def _make_call(attempt: Attempt) -> None:
    """After the commit, outside any transaction. Never raises: settling comes behind it."""
    try:
        with sending.presence(attempt.token):
            record(attempt, _call(attempt))
    except Exception:
        logger.exception("a call's result is not recorded", extra={"text_id": attempt.text_id})


def _call(attempt: Attempt) -> providers.Outcome:
    if not sending.still_allowed(attempt.text_id, attempt.token):
        return providers.Postponed("not called: the lease or the campaign's deadline had passed")
    return providers.send(
        to=attempt.phone, body=attempt.body, callback=sending.callback_address(attempt.token)
    )


def _refuse(text: TextMessage, reason: str, code: int | None) -> None:
    if code == providers.UNSUBSCRIBED:  # before the community, which is held last
        members.opt_out(member_id=text.member_id)
    evidence.failed(text, reason=f"refused by the provider: {reason}", by="reply", error_code=code)


def _postpone(text: TextMessage, reason: str) -> None:
    """Nothing went out: the text waits again, or its campaign has ended, or it was tried enough."""
    campaign = text.campaign
    if campaign.status not in Campaign.OPEN:
        evidence.skipped(text, reason=drive.why_skipped(campaign))
    elif text.attempts >= MOST_ATTEMPTS:
        evidence.failed(text, reason=f"put off {text.attempts} times: {reason}", by="reply")
    else:
        evidence.change(text, state=State.QUEUED, handed_at=Now())
        delay = min(0.5 * 2 ** min(text.attempts, 6), 30)
        outbox.enqueue("credits.send_text", args={"text_id": text.pk}, due_at=clock.after(delay))


def _doubt(text: TextMessage) -> None:
    """The call has ended, so its lease ends now; from here on the lag alone is waited for."""
    evidence.change(text, state=State.UNKNOWN, lease_until=Now())
    sending.enqueue_settling(text.pk, delay=settings.TEXTS.list_lag)


def _held(text_id: int) -> TextMessage:
    return (
        TextMessage.objects.locked().select_related("campaign__community", "member").get(pk=text_id)
    )


def _note(text: TextMessage, attempt: Attempt, kind: TextEvent.Kind, **more: Any) -> None:
    worker = f"{socket.gethostname()}:{os.getpid()}"
    evidence.note(text, kind, token=attempt.token, worker=worker, **more)
