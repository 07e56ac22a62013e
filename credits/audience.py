"""Who gets a campaign's text and what it costs: set-based, in constant memory."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from credits import segments
from credits.models import Campaign, Community
from credits.wording import Wording

CHUNK = 5_000
"""Names priced at a time."""


@dataclass(frozen=True)
class Size:
    """How many members there are to text."""

    eligible: int
    opted_out: int


@dataclass(frozen=True)
class Reserved:
    """How many texts were inserted, and their cost in credits."""

    texts: int
    credits: int


def size(community: Community) -> Size:
    """Count a community's members, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE opted_out_at IS NULL), count(opted_out_at)"
            " FROM credits_member WHERE community_id = %s",
            [community.pk],
        )
        return Size(*cursor.fetchone())


@dataclass(frozen=True)
class Pricing:
    """What the text costs for each member: the same for all, or by name in `credits_price`."""

    worded: Wording
    flat: int | None

    def cost_of_all(self, community: Community) -> int:
        """The credits that a text to everybody costs."""
        return self._cost(COST_OF_ALL, community)

    def cost_of_first(self, community: Community) -> int:
        """The credits without which not even the first member is reached."""
        return self._cost(COST_OF_FIRST, community)

    def insert_texts(
        self, campaign: Campaign, community: Community, *, budget: int | None
    ) -> Reserved:
        """Insert the texts of everybody, or of as many as the budget in credits reaches."""
        with connection.cursor() as cursor:
            cursor.execute(
                INSERT,
                {
                    **self._parameters(community),
                    "campaign": campaign.pk,
                    "parts": list(self.worded.parts),
                    "budget": budget,
                },
            )
            reserved = Reserved(*cursor.fetchone())
            # Foreign keys are usually checked at the commit. That would be after the community's
            # row was taken, and hold up everybody who wants it.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return reserved

    def covers(self, community: Community) -> bool:
        """Whether everybody has a price: who was added or renamed since may have none."""
        if self.flat is not None:
            return True
        with connection.cursor() as cursor:
            cursor.execute(UNPRICED, {"community": community.pk})
            return not cursor.fetchone()[0]

    def _cost(self, sql: str, community: Community) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, self._parameters(community))
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def _parameters(self, community: Community) -> dict[str, Any]:
        return {"community": community.pk, "flat": self.flat}


def price(worded: Wording, community: Community, *, longest: int) -> Pricing:
    """Price a text for each member; personal ones by each name that occurs.

    Raises ValueError where a name, a member's or the community's, makes the text longer than
    `longest` characters.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS credits_price")
        cursor.execute(
            "CREATE TEMPORARY TABLE credits_price (name text, segments integer) ON COMMIT DROP"
        )
    if not worded.is_personal:
        return Pricing(worded, _count(worded.for_name(""), longest, "for all of the members"))
    with connection.chunked_cursor() as names:
        names.execute(
            "SELECT DISTINCT name FROM credits_member WHERE community_id = %s", [community.pk]
        )
        while chunk := names.fetchmany(CHUNK):
            _price_names(worded, [name for (name,) in chunk], longest)
    return Pricing(worded, None)


def _price_names(worded: Wording, names: list[str], longest: int) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY credits_price FROM STDIN") as copy,
    ):
        for name in names:
            copy.write_row((name, _count(worded.for_name(name), longest, "for one of the members")))


def _count(text: str, longest: int, whom: str) -> int:
    if len(text) > longest:
        raise ValueError(
            f"has {len(text):,} characters {whom}; shorten it to {longest:,}, names included."
        )
    return segments.count(text)


# `total` is what everybody up to this member costs, in the order in which they joined.
PRICED = """
    SELECT member.id, member.name, member.phone,
           coalesce(price.segments, %(flat)s) AS segments,
           sum(coalesce(price.segments, %(flat)s)) OVER (ORDER BY member.id) AS total
    FROM credits_member AS member LEFT JOIN credits_price AS price USING (name)
    WHERE member.community_id = %(community)s AND member.opted_out_at IS NULL
      AND (price.segments IS NOT NULL OR %(flat)s IS NOT NULL)
"""

COST_OF_ALL = f"SELECT coalesce(sum(segments), 0) FROM ({PRICED}) AS priced"  # noqa: S608
COST_OF_FIRST = f"SELECT total FROM ({PRICED}) AS priced ORDER BY id LIMIT 1"  # noqa: S608

UNPRICED = """
    SELECT EXISTS (SELECT FROM credits_member AS member
                   LEFT JOIN credits_price AS price USING (name)
                   WHERE member.community_id = %(community)s AND member.opted_out_at IS NULL
                     AND price.segments IS NULL)
"""

# The text's parts, joined by the member's name: that is what array_to_string does.
INSERT = f"""
    WITH made AS (
        INSERT INTO credits_textmessage (campaign_id, member_id, phone, body, segments)
        SELECT %(campaign)s, id, phone, array_to_string(%(parts)s::text[], name), segments
        FROM ({PRICED}) AS priced
        WHERE %(budget)s::bigint IS NULL OR total <= %(budget)s::bigint
        ORDER BY id
        RETURNING segments
    )
    SELECT count(*), coalesce(sum(segments), 0) FROM made
"""  # noqa: S608 - of literals of this file
