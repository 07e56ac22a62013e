"""The page that puts another explorer beside ours: its figures are kept, ours are made anew."""

from collections.abc import Sequence
from typing import Any

from races.scenario import HOLDS, NAIVE

_RACE = "one_credit_is_spent_once"
_ERROR = "TypeError: Connection.cursor() got an unexpected keyword argument 'cursor_factory'"


def beside(results: Sequence[dict[str, Any]]) -> str:
    """What each of the two found on the forms of one race that need no Redis."""
    group = [each for each in results if each["name"] == _RACE and "Redis" not in each["strategy"]]
    naive = [each for each in group if each["form"] == NAIVE]
    holds = [each for each in group if each["form"] == HOLDS]
    found = sum(bool(each["violations"]) for each in naive)
    proven = [each for each in holds if each["complete"]]
    dying = sum(bool(each["crash_points"]) for each in proven)
    seconds = [each["seconds"] for each in group]
    return f"""# Beside frontrun

frontrun 0.7 explores interleavings of Python bytecode and models row locks from the SQL that it
sees. Here it stands beside the explorer on those forms of
[one credit is spent once]({_RACE}.md) that need no Redis, two workers each.

| | naive forms, found | forms that hold, proven | time for each |
|---|---|---|---|
| the explorer here | {found} of {len(naive)} | {len(proven)} of {len(holds)}, \
{dying} of them with a death at every point | {min(seconds):.1f} to {max(seconds):.0f} s |
| frontrun 0.7.0 | 0 of 3 | 0 of 6 | ends at once: `{_ERROR}` |

The explorer's row is made of `results.json` with all pages. frontrun's was taken once, by
22 November 2026, and is not taken again here: frontrun is no dependency of this project, and the
script was not kept. It gave each form's job to two workers through `frontrun.contrib.django` and
allowed 40 s, with Django 5.2, psycopg 3.3, Python 3.11 and PostgreSQL 18. The nine forms were those
that the race had then, without Redis: “read, check, save”, the same in a transaction and “version
without WHERE”; and of those that hold “row lock”, “guarded update”, “version”, “unique constraint”,
“advisory lock” and “serializable”. `ledger.hold` came later.

So with psycopg 3, which this project uses, the two cannot be compared further: frontrun patches it
in a way that Django's own cursors do not survive. With psycopg2 it gets further: in a measurement
before that one, of which no script was kept either, it found all of 5 naive forms, and proved none
of the forms that hold complete within 40 s. It supports more than we do elsewhere (asyncio,
SQLAlchemy, shared Python objects), none of which was tried here.

What is claimed for the explorer is what was measured: exhaustive at statement level, up to swaps of
independent steps, against PostgreSQL's real locks. What lies inside one statement is not explored.
"""
