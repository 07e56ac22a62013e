"""Texts and campaigns that no message stands for any more, or whose outcome stays open.

Only a dead letter that nobody redrove, or a hand in the database, leaves such behind. Texts and
campaigns that somebody else holds are left to him: an earlier repair of the same step may hold a
community's row, which comes after them in the order of locks.
"""

from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from credits import sending
from credits.models import Campaign, TextMessage
from credits.services import drive
from outbox.models import Message
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged

PAGE = 1_000
TOO_LONG = timedelta(minutes=10)
"""After a lease, or since a text was handed out: far longer than either takes."""

HOPELESS = timedelta(hours=1)
"""Since a call whose outcome is still open, although messages look for it."""

NO_ID = "00000000-0000-0000-0000-000000000000"
State = TextMessage.State


class NobodyDrivesIt(Check):
    """A campaign that has not ended, or whose rest is not skipped yet, has a driver's message."""

    name = "credits.nobody_drives_it"

    def page(self, after: str) -> Page:
        return paged(_UNDRIVEN, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        campaign = Campaign.objects.filter(pk=subject).locked_if_free().first()
        if campaign is None or not _needs_driver(campaign) or _is_driven(campaign):
            return None
        evidence = {"status": str(campaign.status), "turn": campaign.turn}
        return Suspect("nobody_drives_it", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        drive.enqueue_driver_as_due(Campaign.objects.get(pk=suspect.subject))
        return "its driver was enqueued"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:campaign", args=[suspect.subject])


class NobodySendsIt(Check):
    """A text that was handed out has a message that sends it."""

    name = "credits.nobody_sends_it"

    def page(self, after: str) -> Page:
        return paged(_UNSENT, after, [NO_ID, "0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        handed = Q(state=State.QUEUED, handed_at__lt=Now() - TOO_LONG)
        text = TextMessage.objects.filter(handed, pk=subject).locked_if_free().first()
        if text is None or _has_message("credits.send_text", text):
            return None
        return Suspect("nobody_sends_it", subject, {"handed_at": str(text.handed_at)})

    def repair(self, suspect: Suspect) -> str:
        TextMessage.objects.filter(pk=suspect.subject, state=State.QUEUED).update(handed_at=None)
        return "left to its campaign's driver again"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:text", args=[suspect.subject])


class OpenTooLong(Check):
    """A text that may have gone out is looked for until it is settled."""

    name = "credits.open_too_long"

    def page(self, after: str) -> Page:
        return paged(_OPEN, after, ["-infinity", "0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        over = Q(state__in=[State.SENDING, State.UNKNOWN], lease_until__lt=Now() - TOO_LONG)
        text = TextMessage.objects.filter(over, pk=subject).locked_if_free().first()
        if text is None:
            return None
        evidence = {"state": str(text.state), "sending_at": str(text.sending_at)}
        if not _has_message("credits.settle_text", text):
            return Suspect("nobody_settles_it", subject, evidence)
        if TextMessage.objects.filter(pk=text.pk, sending_at__lt=Now() - HOPELESS).exists():
            return Suspect("open_too_long", subject, evidence, severity="warning")
        return None

    def repair(self, suspect: Suspect) -> str:
        if suspect.type != "nobody_settles_it":
            return ""  # it is looked for, in vain: the provider's list is out of reach
        sending.enqueue_settling(int(suspect.subject), delay=0)
        return "a look at the provider's list was enqueued"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:text", args=[suspect.subject])


def _needs_driver(campaign: Campaign) -> bool:
    if campaign.status == Campaign.Status.RUNNING:
        return True
    if campaign.status == Campaign.Status.PAUSED:
        return campaign.deadline is not None
    return campaign.texts.waiting().exists()


def _is_driven(campaign: Campaign) -> bool:
    args = {"campaign_id": str(campaign.pk), "turn": campaign.turn}
    driving = Message.objects.waiting().filter(handler="credits.drive_campaign", args=args)
    return driving.exists()


def _has_message(handler: str, text: TextMessage) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM outbox_message WHERE state = 'pending' AND handler = %s"
            " AND (args ->> 'text_id')::bigint = %s)",
            [handler, text.pk],
        )
        return bool(cursor.fetchone()[0])


_UNDRIVEN = """
    SELECT id, CASE WHEN (
        status = 'running' OR (status = 'paused' AND deadline IS NOT NULL)
        OR (status NOT IN ('running', 'paused') AND EXISTS (
            SELECT FROM credits_textmessage WHERE campaign_id = campaign.id AND state = 'queued'))
    ) AND NOT EXISTS (
        SELECT FROM outbox_message AS message
        WHERE message.state = 'pending' AND message.handler = 'credits.drive_campaign'
          AND message.args ->> 'campaign_id' = campaign.id::text
          AND (message.args ->> 'turn')::integer = campaign.turn
    ) THEN id::text END
    FROM credits_campaign AS campaign WHERE id > %s::uuid ORDER BY id LIMIT %s
"""

# The messages are gathered once a page: one by one they would be looked through for every text.
_UNSENT = """
    WITH meant AS MATERIALIZED (
        SELECT DISTINCT (args ->> 'text_id')::bigint AS text_id FROM outbox_message
        WHERE state = 'pending' AND handler = 'credits.send_text'
    )
    SELECT text.campaign_id, text.id, CASE WHEN meant.text_id IS NULL
        AND text.handed_at < now() - interval '10 minutes' THEN text.id END
    FROM credits_campaign AS campaign
    JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
    LEFT JOIN meant ON meant.text_id = text.id
    WHERE campaign.status = 'running' AND text.state = 'queued' AND text.handed_at IS NOT NULL
      AND (text.campaign_id, text.id) > (%s::uuid, %s::bigint)
    ORDER BY text.campaign_id, text.id LIMIT %s
"""

_OPEN = """
    WITH meant AS MATERIALIZED (
        SELECT DISTINCT (args ->> 'text_id')::bigint AS text_id FROM outbox_message
        WHERE state = 'pending' AND handler = 'credits.settle_text'
    )
    SELECT text.lease_until, text.id, CASE WHEN text.lease_until < now() - interval '10 minutes'
        AND (meant.text_id IS NULL OR text.sending_at < now() - interval '1 hour')
        THEN text.id END
    FROM credits_textmessage AS text LEFT JOIN meant ON meant.text_id = text.id
    WHERE text.state IN ('sending', 'unknown')
      AND (text.lease_until, text.id) > (%s::timestamptz, %s::bigint)
    ORDER BY text.lease_until, text.id LIMIT %s
"""

CHECKS = (NobodyDrivesIt(), NobodySendsIt(), OpenTooLong())
