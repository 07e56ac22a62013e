"""Communities, members and texts before a run, and what the tables say after it."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from benchmarks.ledger import WARM_UP, Sums
from credits import services
from credits.csv_lines import MemberLine
from credits.models import Campaign, Community, TextMessage
from outbox.ids import uuid7

COMMUNITIES = 10
BURST = 20
"""Texts in a row of one community, as the jobs of the other parts come."""

RICH = 1_000_000
TABLES = (
    *("outbox_message", "outbox_event", "outbox_run", "credits_textevent", "credits_finding"),
    *("credits_textmessage", "credits_creditentry", "credits_campaign", "credits_member"),
    *("credits_dailycount", "credits_community"),
)


@dataclass(frozen=True)
class Laid:
    """Texts that wait; their ids in the order in which they are published."""

    texts: list[int]


def lay_members(count: int) -> None:
    """Empty the tables; so many members, spread over the communities, which have plenty."""
    sql(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
    for place in range(COMMUNITIES):
        slug = f"club-{place}"
        services.create_community(slug=slug, name=slug)
        services.buy_credits(slug=slug, amount=RICH, actor="bench")
        lines = [
            MemberLine(line=n, name=f"Member {n}", phone=f"+49151{place:02}{n:06}")
            for n in range(count // COMMUNITIES)
        ]
        services.import_members(lines, slug=slug)


def start_campaigns() -> None:
    """Ours: hold the credits, write the texts, let the driver begin."""
    for place in range(COMMUNITIES):
        services.start_campaign(actor="bench", community=f"club-{place}", text="Hello {name}")


def hold_alone() -> None:
    """As ours, and then nobody is told."""
    start_campaigns()
    sql("DELETE FROM outbox_message")


def write_texts() -> Laid:
    """Without ours: the same campaigns and texts, nothing held and nobody told."""
    with transaction.atomic():
        for community in Community.objects.order_by("pk"):
            campaign = Campaign.objects.create(
                community=community,
                operation_id=uuid7(),
                text="Hello {name}",
                shortfall="refuse",
                created_by="bench",
            )
            sql(_TEXTS, campaign.pk, community.pk)
    rows = sql(
        "SELECT id FROM (SELECT id, (row_number() OVER (PARTITION BY campaign_id ORDER BY id) - 1)"
        " / %s AS burst FROM credits_textmessage) AS text ORDER BY burst, id",
        BURST,
    )
    return Laid([text_id for (text_id,) in rows])


def settle_down() -> None:
    """Before a run: statistics, and a checkpoint, so that none falls into it."""
    sql("ANALYZE")
    sql("CHECKPOINT")


def finished() -> int:
    """How many texts have their end."""
    return int(sql("SELECT count(*) FROM credits_textmessage WHERE finished_at IS NOT NULL")[0][0])


def rate() -> float:
    """Texts a second between the first tenth and the last, by the server's clock."""
    return _rate("SELECT finished_at AS at FROM credits_textmessage WHERE state = 'sent'")


def settling_rate() -> float:
    """Looks a second at texts that need none, which each text of ours has later."""
    return _rate(
        "SELECT finished_at AS at FROM outbox_message"
        " WHERE handler = 'credits.settle_text' AND state = 'done'"
    )


def let_settle() -> None:
    """The time of those looks has come."""
    sql("UPDATE outbox_message SET due_at = now() WHERE handler = 'credits.settle_text'")


def settled() -> int:
    """How many looks there were."""
    return TextMessage.objects.count() - int(
        sql(
            "SELECT count(*) FROM outbox_message"
            " WHERE handler = 'credits.settle_text' AND state = 'pending'"
        )[0][0]
    )


def sums() -> Sums:
    """Every text is sent; what is gone, and what the ledger says, is what the texts cost."""
    rows = sql(_SPENT)
    return Sums(
        lost_jobs=sum(open_texts for _, _, open_texts, _ in rows),
        lost_deductions=sum(abs(cost - gone) for gone, cost, _, _ in rows),
        wrong_outcomes=sum(abs(RICH - entries - cost) for _, cost, _, entries in rows),
    )


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement; what it returns, if anything."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def _rate(times: str) -> float:
    found = sql(
        f"WITH entry AS ({times}),"  # noqa: S608 - literals of this file
        " warm AS (SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY at) AS at FROM entry)"
        " SELECT count(*) / nullif(extract(epoch FROM max(entry.at) - min(warm.at)), 0)"
        " FROM entry, warm WHERE entry.at > warm.at",
        WARM_UP,
    )
    return float(found[0][0] or 0)


_TEXTS = """
    INSERT INTO credits_textmessage (campaign_id, member_id, phone, body, segments)
    SELECT %s, id, phone, 'Hello ' || name, 1 FROM credits_member WHERE community_id = %s
    ORDER BY id
"""

_SPENT = f"""
    SELECT {RICH} - community.credits AS gone,
           coalesce(sum(text.segments) FILTER (WHERE text.state = 'sent'), 0) AS cost,
           count(*) FILTER (WHERE text.state <> 'sent') AS open_texts,
           (SELECT sum(amount) FROM credits_creditentry WHERE community_id = community.id)
    FROM credits_community AS community
    JOIN credits_campaign AS campaign ON campaign.community_id = community.id
    JOIN credits_textmessage AS text ON text.campaign_id = campaign.id
    GROUP BY community.id
"""  # noqa: S608 - a number of this file
