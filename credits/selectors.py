"""The reads of credits: for pages, API and command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from credits import clock
from credits.inputs import BROKEN
from credits.models import Campaign, Community, CreditEntry, TextEvent, TextMessage

State = TextMessage.State
RATE_OVER = 10.0
"""Seconds over which the rate of a campaign is measured."""


def find_community(slug: str) -> Community:
    """The community. Raises Community.DoesNotExist."""
    if BROKEN.search(slug):
        raise Community.DoesNotExist
    return Community.objects.get(slug=slug)


def list_communities() -> QuerySet[Community]:
    """All communities by slug, with the number of their members."""
    return Community.objects.annotate(
        member_count=Count("members"),
    ).order_by("slug")


def describe_community(slug: str) -> dict[str, Any]:
    """The community as API and command line show it: one statement, so the numbers agree.

    Raises Community.DoesNotExist.
    """
    if BROKEN.search(slug):
        raise Community.DoesNotExist
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT slug, name, credits, held, daily_cap, unknown_policy,
                   (SELECT coalesce(sum(amount), 0) FROM credits_creditentry
                    WHERE community_id = community.id),
                   (SELECT count(*) FROM credits_member WHERE community_id = community.id)
            FROM credits_community AS community WHERE slug = %s
            """,
            [slug],
        )
        row = cursor.fetchone()
    if row is None:
        raise Community.DoesNotExist
    names = ("slug", "name", "credits", "held", "daily_cap", "unknown_policy", "ledger_sum")
    return dict(zip((*names, "members"), row, strict=True))


def find_campaign(campaign_id: UUID | str) -> Campaign:
    """The campaign, with its community. Raises Campaign.DoesNotExist."""
    return Campaign.objects.select_related("community").get(pk=campaign_id)


def list_campaigns(*, status: str = "") -> QuerySet[Campaign]:
    """Campaigns, latest first."""
    found = Campaign.objects.select_related("community").order_by("-pk")
    return found.filter(status=status) if status else found


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a campaign stands. The counts are of one moment; all add up to `members`."""

    members: int
    queued: int
    sending: int
    sent: int  # delivered ones included
    delivered: int
    failed: int
    unknown: int
    skipped: int
    held: int  # credits
    spent: int
    rate: float  # texts settled a second, lately
    seconds_left: float | None

    @property
    def done_percent(self) -> int:
        """How much of the campaign is behind it."""
        behind = self.members - self.queued - self.sending
        return 100 * behind // self.members if self.members else 100


def progress(campaign: Campaign) -> Progress:
    """Count a campaign's texts and credits. As `progress_of`."""
    ((_, one),) = progress_of([campaign])
    return one


def progress_of(campaigns: Iterable[Campaign]) -> list[tuple[Campaign, Progress]]:
    """Count the texts and credits of each, in one statement for all of them.

    Texts of an ended campaign that still wait for their credits to come back count as skipped:
    they will not be sent.
    """
    asked = list(campaigns)
    rows: dict[UUID, dict[str, tuple[int, int, int]]] = {one.pk: {} for one in asked}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [list(rows)])
        for campaign_id, state, *counted in cursor:
            rows[campaign_id][state] = tuple(counted)
    return [(one, _progress(one, rows[one.pk])) for one in asked]


def _progress(campaign: Campaign, rows: Mapping[str, tuple[int, int, int]]) -> Progress:
    count = {str(state): rows.get(str(state), (0, 0, 0))[0] for state in State}
    credits = {str(state): rows.get(str(state), (0, 0, 0))[1] for state in State}
    waiting = count["queued"] if campaign.status in Campaign.OPEN else 0
    rate = sum(row[2] for row in rows.values()) / RATE_OVER
    left = (
        waiting / rate if waiting and rate and campaign.status == Campaign.Status.RUNNING else None
    )
    sent = count["sent"] + count["delivered"]
    others = waiting + count["sending"] + sent + count["failed"] + count["unknown"]
    return Progress(
        members=campaign.members,
        queued=waiting,
        sending=count["sending"],
        sent=sent,
        delivered=count["delivered"],
        failed=count["failed"],
        unknown=count["unknown"],
        skipped=campaign.members - others,
        held=credits["queued"] + credits["sending"] + credits["unknown"],
        spent=credits["sent"] + credits["delivered"],
        rate=rate,
        seconds_left=left,
    )


COUNTS = """
    SELECT campaign_id, state, count(*), sum(segments),
           count(*) FILTER (WHERE finished_at > now() - interval '10 seconds'
                              AND state <> 'skipped')
    FROM credits_textmessage WHERE campaign_id = ANY(%s) GROUP BY campaign_id, state
"""


def settled_over_time(campaign: Campaign, *, steps: int = 60) -> list[tuple[int, int]]:
    """How many texts were settled in each of so many equal steps of the campaign's time, as
    (sent, not sent), oldest first; empty where none was."""
    end = campaign.finished_at or clock.after(0)
    with connection.cursor() as cursor:
        cursor.execute(
            OVER_TIME, {"id": campaign.pk, "from": campaign.created_at, "to": end, "steps": steps}
        )
        found = {step: (sent, others) for step, sent, others in cursor}
    return [found.get(step, (0, 0)) for step in range(1, steps + 1)] if found else []


OVER_TIME = """
    SELECT least(greatest(width_bucket(
               extract(epoch FROM finished_at)::float,
               extract(epoch FROM %(from)s::timestamptz)::float,
               extract(epoch FROM %(to)s::timestamptz)::float + 0.001, %(steps)s), 1), %(steps)s),
           count(*) FILTER (WHERE state IN ('sent', 'delivered')),
           count(*) FILTER (WHERE state NOT IN ('sent', 'delivered'))
    FROM credits_textmessage
    WHERE campaign_id = %(id)s AND finished_at IS NOT NULL
    GROUP BY 1
"""


def describe_campaign(campaign: Campaign) -> dict[str, Any]:
    """The campaign as API and command line show it."""
    now = progress(campaign)
    return {
        "id": str(campaign.pk),
        "community": campaign.community.slug,
        "text": campaign.text,
        "shortfall": str(campaign.shortfall),
        "status": str(campaign.status),
        "members": now.members,
        "queued": now.queued + now.sending,
        "sent": now.sent,
        "delivered": now.delivered,
        "failed": now.failed,
        "unknown": now.unknown,
        "skipped": now.skipped,
        "credits_held": now.held,
        "credits_spent": now.spent,
        "deadline": _time(campaign.deadline),
        "created_by": campaign.created_by,
        "created_at": _time(campaign.created_at),
        "finished_at": _time(campaign.finished_at),
    }


def list_texts(campaign: Campaign, *, state: str = "") -> QuerySet[TextMessage]:
    """A campaign's texts in the order in which they go out, all or those of one state."""
    found = campaign.texts.select_related("member").order_by("pk")
    return found.filter(state=state) if state else found


def find_text(text_id: int) -> TextMessage:
    """The text with its campaign. Raises TextMessage.DoesNotExist."""
    return TextMessage.objects.select_related("campaign__community", "member").get(pk=text_id)


def text_story(text: TextMessage) -> list[TextEvent]:
    """What befell a text, oldest first."""
    return list(text.events.order_by("pk"))


def latest_entries(community: Community) -> QuerySet[CreditEntry]:
    """The community's ledger, latest first."""
    return community.entries.select_related("campaign").order_by("-pk")


def ledger_sum(community: Community) -> int:
    """The sum of a community's entries."""
    return community.entries.aggregate(sum=Sum("amount"))["sum"] or 0


def running_campaigns() -> int:
    """How many campaigns have not ended and are not past their deadline."""
    in_time = Q(deadline=None) | Q(deadline__gt=Now())
    return Campaign.objects.filter(in_time, status__in=Campaign.OPEN).count()


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
