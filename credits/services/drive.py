"""The driver: it keeps a few hundred of a campaign's texts due, and ends the campaign.

So pause, resume and cancel change one row; a hundred thousand texts need no update, and a large
campaign lets a small one in between.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

import outbox
from credits import clock, ledger
from credits.models import Campaign, Community, TextMessage
from credits.quota import daily

PORTION = 300
"""Texts of one campaign that are due at a time: six seconds of work at 50 a second."""

PACE = 0.5  # seconds between two looks at a campaign that goes on
SLOW_PACE = 15.0  # where the day's cap is reached, or only unknown outcomes are left
RELEASED_AT_ONCE = 10_000
"""Texts of an ended campaign that one transaction skips: some 200 ms of row locks."""

Status = Campaign.Status
State = TextMessage.State


@dataclass(frozen=True)
class Skipped:
    """Texts that an ended campaign did not get to, and what they had taken."""

    texts: int
    credits: int
    first: int  # the lowest id among them
    days: list[date]  # one for each that was counted against a day's cap, and then put off


def drive_campaign(*, campaign_id: str, turn: int) -> None:
    """Hand out the next texts, or end the campaign; enqueue the next look while work remains.

    Only the latest `turn` of a campaign goes on: pausing and resuming starts a new one. A second
    call hands out what is not handed out yet, and nothing twice.
    """
    with transaction.atomic():
        campaign = Campaign.objects.locked().select_related("community").get(pk=campaign_id)
        if campaign.turn != turn:
            return
        if campaign.status in Campaign.OPEN and _is_late(campaign):
            end(campaign, Status.EXPIRED, by="deadline")
        if campaign.status == Status.RUNNING:
            _go_on(campaign)
        elif campaign.status != Status.PAUSED:
            _skip_rest(campaign)


def enqueue_driver(campaign: Campaign, *, delay: float = 0) -> None:
    """Enqueue the campaign's next look, of its present turn."""
    outbox.enqueue(
        "credits.drive_campaign",
        args={"campaign_id": str(campaign.pk), "turn": campaign.turn},
        due_at=clock.after(delay) if delay else None,
    )


def enqueue_driver_as_due(campaign: Campaign) -> None:
    """The same, for when there is something to do: paused, that is only to end at the deadline."""
    if campaign.status != Status.PAUSED:
        enqueue_driver(campaign)
    elif campaign.deadline:
        left = (campaign.deadline - clock.after(0)).total_seconds()
        enqueue_driver(campaign, delay=max(left, 0.001))


def end(campaign: Campaign, status: Campaign.Status, *, by: str) -> None:
    """End a campaign that the caller holds; what is not sent yet is skipped by its driver."""
    Campaign.objects.filter(pk=campaign.pk).update(
        status=status, finished_at=Now(), ended_by=by, turn=F("turn") + 1
    )
    campaign.refresh_from_db(fields=["status", "finished_at", "turn"])
    enqueue_driver(campaign)


def abandon_driver(args: dict[str, Any], state: str, reason: str) -> None:
    """A driver's message ended otherwise than done: a new one goes on in a minute."""
    campaign = Campaign.objects.filter(pk=args["campaign_id"], turn=args["turn"]).first()
    if campaign and state == "dead":
        enqueue_driver(campaign, delay=60)


def _go_on(campaign: Campaign) -> None:
    counts = _counts(campaign)
    wanted = PORTION - counts["in_flight"]
    allowed = daily.left(campaign.community)
    handed = _hand_out(campaign, wanted if allowed is None else min(wanted, allowed))
    if allowed is not None and allowed < wanted:
        handed += _hand_out_counted(campaign, wanted - handed)
    if handed or counts["in_flight"]:
        enqueue_driver(campaign, delay=PACE)
    elif counts["waiting"] or _may_send_again(campaign):
        enqueue_driver(campaign, delay=_until_deadline(campaign, SLOW_PACE))
    else:
        _finish(campaign)


def _counts(campaign: Campaign) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM credits_textmessage
                    WHERE campaign_id = %(id)s AND (state = 'sending'
                      OR (state = 'queued' AND handed_at IS NOT NULL))),
                   (SELECT count(*) FROM (
                        SELECT 1 FROM credits_textmessage WHERE campaign_id = %(id)s
                        AND state = 'queued' AND handed_at IS NULL LIMIT 1) AS one)
            """,
            {"id": campaign.pk},
        )
        in_flight, waiting = cursor.fetchone()
    return {"in_flight": in_flight, "waiting": waiting}


def _hand_out(campaign: Campaign, most: int) -> int:
    if most <= 0:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH next AS (
                SELECT id FROM credits_textmessage
                WHERE campaign_id = %s AND state = 'queued' AND handed_at IS NULL
                ORDER BY id LIMIT %s FOR NO KEY UPDATE
            )
            UPDATE credits_textmessage AS text SET handed_at = now()
            FROM next WHERE text.id = next.id RETURNING text.id
            """,
            [campaign.pk, most],
        )
        ids = sorted(text_id for (text_id,) in cursor.fetchall())
    outbox.enqueue_many("credits.send_text", [{"text_id": text_id} for text_id in ids])
    return len(ids)


def _hand_out_counted(campaign: Campaign, most: int) -> int:
    """Those put off that have their place in the day already, whether or not there are more."""
    placed = campaign.texts.filter(
        state=State.QUEUED, handed_at=None, counted_on=daily.today()
    ).locked()
    ids = list(placed.values_list("pk", flat=True)[:most])
    TextMessage.objects.filter(pk__in=ids).update(handed_at=Now())
    outbox.enqueue_many("credits.send_text", [{"text_id": text_id} for text_id in ids])
    return len(ids)


def _may_send_again(campaign: Campaign) -> bool:
    """Whether an unknown outcome may still put a text back in the queue."""
    resends = campaign.community.unknown_policy == Community.UnknownPolicy.RESEND
    return resends and campaign.texts.filter(state=State.UNKNOWN).exists()


def _finish(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(status=Status.FINISHED, finished_at=Now())


def _skip_rest(campaign: Campaign) -> None:
    skipped = _skip(campaign, RELEASED_AT_ONCE)
    if skipped.credits:
        ledger.release(
            community_id=campaign.community_id,
            campaign_id=campaign.pk,
            operation=f"campaign:{campaign.pk}:release:{skipped.first}",
            amount=skipped.credits,
            actor=campaign.ended_by or "campaign",
        )
    for day, texts in sorted(Counter(skipped.days).items()):
        daily.give_back(campaign.community_id, day, texts=texts)
    if skipped.texts == RELEASED_AT_ONCE:
        enqueue_driver(campaign)


def _skip(campaign: Campaign, most: int) -> Skipped:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH rest AS (
                SELECT id FROM credits_textmessage WHERE campaign_id = %s AND state = 'queued'
                ORDER BY id LIMIT %s FOR NO KEY UPDATE
            ), skipped AS (
                UPDATE credits_textmessage AS text
                SET state = 'skipped', finished_at = clock_timestamp(), reason = %s
                FROM rest WHERE text.id = rest.id
                RETURNING text.id, text.segments, text.counted_on
            )
            SELECT count(*), coalesce(sum(segments), 0), coalesce(min(id), 0),
                coalesce(array_agg(counted_on) FILTER (WHERE counted_on IS NOT NULL), '{}')
            FROM skipped
            """,
            [campaign.pk, most, why_skipped(campaign)],
        )
        return Skipped(*cursor.fetchone())


def why_skipped(campaign: Campaign) -> str:
    """What is said of a text that its campaign did not get to."""
    said = {Status.EXPIRED: "the campaign's deadline passed", Status.FINISHED: "the campaign ended"}
    return said.get(Status(campaign.status), "the campaign was cancelled")


def _is_late(campaign: Campaign) -> bool:
    passed = Q(deadline__lte=Now())
    return Campaign.objects.filter(passed, pk=campaign.pk).exists()


def _until_deadline(campaign: Campaign, most: float) -> float:
    if campaign.deadline is None:
        return most
    left = (campaign.deadline - clock.after(0)).total_seconds()
    return min(most, max(left, PACE))
