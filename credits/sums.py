"""Numbers that must agree: a community's row, its entries and its texts, all of one snapshot."""

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class CommunitySums:
    """`credits` is to be the sum of the entries; `held` is to be what the open texts cost."""

    id: int
    slug: str
    credits: int
    entries: int
    held: int
    open_texts: int


@dataclass(frozen=True)
class CampaignSums:
    """What its entries took for a campaign is to be what its texts cost, but for those that were
    not sent and will not be."""

    id: str
    community_id: int
    paid: int
    cost: int

    @property
    def surplus(self) -> int:
        """What was taken and no text stands for."""
        return self.paid - self.cost


def of_community(slug: str) -> CommunitySums | None:
    """One community's sums; None where there is no such community."""
    with connection.cursor() as cursor:
        cursor.execute(f"{COMMUNITIES} WHERE community.slug = %s", [slug])
        row = cursor.fetchone()
    return CommunitySums(*row) if row else None


def of_campaign(campaign_id: str) -> CampaignSums | None:
    """One campaign's sums; None where there is no such campaign."""
    with connection.cursor() as cursor:
        cursor.execute(f"{CAMPAIGNS} WHERE campaign.id = %s", [campaign_id])
        row = cursor.fetchone()
    return CampaignSums(*row) if row else None


def differing_communities() -> list[CommunitySums]:
    """Communities whose numbers do not agree: a bug, or a hand in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({COMMUNITIES}) AS sums"  # noqa: S608 - literals of this file
            " WHERE credits <> entries OR held <> open_texts ORDER BY slug"
        )
        return [CommunitySums(*row) for row in cursor.fetchall()]


def has_differing_campaign(community_id: int) -> bool:
    """Whether a campaign of the community has taken more or less than its texts cost."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM ({CAMPAIGNS}) AS sums"  # noqa: S608
            " WHERE community_id = %s AND paid <> cost)",
            [community_id],
        )
        return bool(cursor.fetchone()[0])


COMMUNITIES = """
    SELECT community.id, community.slug, community.credits,
           (SELECT coalesce(sum(amount), 0) FROM credits_creditentry
            WHERE community_id = community.id) AS entries,
           community.held,
           (SELECT coalesce(sum(segments), 0) FROM credits_textmessage AS text
            JOIN credits_campaign AS campaign ON campaign.id = text.campaign_id
            WHERE campaign.community_id = community.id
              AND text.state IN ('queued', 'sending', 'unknown')) AS open_texts
    FROM credits_community AS community
"""

CAMPAIGNS = """
    SELECT campaign.id::text, campaign.community_id,
           (SELECT coalesce(-sum(amount), 0) FROM credits_creditentry
            WHERE campaign_id = campaign.id) AS paid,
           (SELECT coalesce(sum(segments), 0) FROM credits_textmessage
            WHERE campaign_id = campaign.id AND state NOT IN ('failed', 'skipped')) AS cost
    FROM credits_campaign AS campaign
"""
