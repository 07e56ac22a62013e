"""Comparing what is with what should be, and bringing back what got stuck."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now

from credits import sending
from credits.models import Campaign, TextMessage
from credits.services import drive
from outbox.models import Message

STUCK_AFTER = 60
"""Seconds past a lease after which a text without a waiting settlement counts as stuck."""


@dataclass(frozen=True)
class Discrepancy:
    """A community whose numbers do not agree. It means a bug, or a hand in the database."""

    slug: str
    credits: int
    ledger_sum: int
    held: int
    open_segments: int


def find_discrepancies() -> list[Discrepancy]:
    """Compare all communities with their entries and open texts, in one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(COMPARE)
        return [Discrepancy(*row) for row in cursor.fetchall()]


def settle_now() -> int:
    """Enqueue a look at every text whose outcome is open, due at once. Returns how many."""
    with transaction.atomic():
        open_texts = TextMessage.objects.filter(state=TextMessage.State.UNKNOWN)
        ids = list(open_texts.order_by("pk").values_list("pk", flat=True)[:10_000])
        for text_id in ids:
            sending.enqueue_settling(text_id, delay=0)
    return len(ids)


def sweep() -> int:
    """Enqueue what no message stands for any more. Returns how many texts and campaigns.

    Only a dead letter that nobody redrove, or a hand in the database, leaves such behind.
    """
    with transaction.atomic():
        texts, campaigns = _stuck_texts(), _stuck_campaigns()
        for text_id in texts:
            sending.enqueue_settling(text_id, delay=0)
        for campaign in campaigns:
            drive.enqueue_driver(campaign)
    return len(texts) + len(campaigns)


def _stuck_texts() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(STUCK, {"seconds": STUCK_AFTER})
        return [text_id for (text_id,) in cursor.fetchall()]


def _stuck_campaigns() -> list[Campaign]:
    driven = Message.objects.filter(handler="credits.drive_campaign", state="pending")
    turns = {(args["campaign_id"], args["turn"]) for args in driven.values_list("args", flat=True)}
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING, created_at__lt=Now())
    return [one for one in running if (str(one.pk), one.turn) not in turns]


COMPARE = """
    SELECT * FROM (
        SELECT community.slug, community.credits,
               (SELECT coalesce(sum(amount), 0) FROM credits_creditentry
                WHERE community_id = community.id) AS ledger_sum,
               community.held,
               (SELECT coalesce(sum(segments), 0) FROM credits_textmessage AS text
                JOIN credits_campaign AS campaign ON campaign.id = text.campaign_id
                WHERE campaign.community_id = community.id
                  AND text.state IN ('queued', 'sending', 'unknown')) AS open_segments
        FROM credits_community AS community
    ) AS compared
    WHERE credits <> ledger_sum OR held <> open_segments
    ORDER BY slug
"""

STUCK = """
    SELECT id FROM credits_textmessage AS text
    WHERE state IN ('sending', 'unknown')
      AND lease_until < now() - make_interval(secs => %(seconds)s)
      AND NOT EXISTS (
        SELECT 1 FROM outbox_message AS message
        WHERE message.state = 'pending' AND message.handler = 'credits.settle_text'
          AND (message.args ->> 'text_id')::bigint = text.id)
    ORDER BY id LIMIT 1000
"""
