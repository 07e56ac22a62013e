"""A community's cap for the day (UTC), counted in PostgreSQL, together with "sending"."""

from datetime import date

from django.db import connection
from django.db.models import F

from credits.models import Community, DailyCount

# Counts and compares in one statement: of two texts at once one finds the other's count. The row
# is held until the transaction ends, so a text that is not sent after all leaves no trace.
TAKE = """
    INSERT INTO credits_dailycount AS taken (community_id, day, texts)
    SELECT %(community)s, (now() AT TIME ZONE 'UTC')::date, 1 WHERE %(cap)s > 0
    ON CONFLICT (community_id, day) DO UPDATE SET texts = taken.texts + 1
    WHERE taken.texts < %(cap)s
    RETURNING day
"""


def take(community: Community) -> date | None:
    """Count one text against today's cap and return the day; None where the cap is reached."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"community": community.pk, "cap": community.daily_cap})
        row = cursor.fetchone()
    return row[0] if row else None


def today() -> date:
    """The day that `take` counts against."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        day: date = cursor.fetchone()[0]
    return day


def give_back(community_id: int, day: date, *, texts: int = 1) -> None:
    """Take back what texts that surely were not sent had been counted."""
    DailyCount.objects.filter(community_id=community_id, day=day, texts__gte=texts).update(
        texts=F("texts") - texts
    )


def left(community: Community) -> int | None:
    """How many more texts the community may begin today; None: as many as it likes."""
    if community.daily_cap is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT texts FROM credits_dailycount"
            " WHERE community_id = %s AND day = (now() AT TIME ZONE 'UTC')::date",
            [community.pk],
        )
        row = cursor.fetchone()
    return max(community.daily_cap - (row[0] if row else 0), 0)
