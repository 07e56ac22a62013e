"""Members: importing them, and honouring those who want no texts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from credits.csv_lines import MemberLine
from credits.models import Community, Member
from intake.csv_lines import ImportRefused, RefusedLine


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did, in members."""

    created: int
    renamed: int
    unchanged: int
    refused: list[RefusedLine] = field(default_factory=list)


def import_members(
    lines: Iterable[MemberLine | RefusedLine], *, slug: str, skip_invalid: bool = False
) -> Imported:
    """Create members and rename known ones (by number), in one transaction and constant memory.

    Who has opted out stays so. A second call with the same lines changes nothing. Raises
    Community.DoesNotExist, and ImportRefused unless `skip_invalid`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        community = Community.objects.get(slug=slug)
        refused = _stage(cursor, lines) + _refuse_repeated(cursor)
        if refused and not skip_invalid:
            raise ImportRefused(sorted(refused, key=lambda line: line.line))
        created = _create_unknown(cursor, community)
        renamed = _rename_known(cursor, community)
        cursor.execute("SELECT count(*) FROM credits_import_line")
        unchanged = cursor.fetchone()[0] - created - renamed
        cursor.execute("DROP TABLE credits_import_line")
    return Imported(
        created=created,
        renamed=renamed,
        unchanged=unchanged,
        refused=sorted(refused, key=lambda line: line.line),
    )


def opt_out(*, member_id: int) -> None:
    """No text that is not on its way yet goes to this member. A second call keeps the moment."""
    Member.objects.filter(pk=member_id, opted_out_at=None).update(opted_out_at=Now())


def opt_in(*, member_id: int) -> None:
    """The member wants texts again."""
    Member.objects.filter(pk=member_id).update(opted_out_at=None)


def _stage(cursor: Any, lines: Iterable[MemberLine | RefusedLine]) -> list[RefusedLine]:
    """Copy the well-formed lines into a table of this transaction; return the others."""
    cursor.execute(
        "CREATE TEMPORARY TABLE credits_import_line (line integer, name text, phone text)"
    )
    refused = []
    with cursor.copy("COPY credits_import_line FROM STDIN") as copy:
        for line in lines:
            if isinstance(line, RefusedLine):
                refused.append(line)
            else:
                copy.write_row((line.line, line.name, line.phone))
    cursor.execute("ANALYZE credits_import_line")
    return refused


def _refuse_repeated(cursor: Any) -> list[RefusedLine]:
    cursor.execute(
        """
        DELETE FROM credits_import_line AS again
        USING (SELECT phone, min(line) AS line FROM credits_import_line GROUP BY phone) AS first
        WHERE again.phone = first.phone AND again.line > first.line
        RETURNING again.line, first.line
        """
    )
    return [
        RefusedLine(line, f"phone: the number was on line {first} already; keep one of them.")
        for line, first in cursor.fetchall()
    ]


def _create_unknown(cursor: Any, community: Community) -> int:
    """Insert by number, in one order: two imports at once never cross."""
    cursor.execute(
        """
        INSERT INTO credits_member (community_id, name, phone)
        SELECT %s, name, phone FROM credits_import_line ORDER BY phone
        ON CONFLICT (community_id, phone) DO NOTHING
        """,
        [community.pk],
    )
    return int(cursor.rowcount)


def _rename_known(cursor: Any, community: Community) -> int:
    cursor.execute(
        """
        WITH held AS (
            SELECT member.id, line.name FROM credits_member AS member
            JOIN credits_import_line AS line USING (phone)
            WHERE member.community_id = %s AND member.name <> line.name
            ORDER BY member.id FOR NO KEY UPDATE OF member
        )
        UPDATE credits_member AS member SET name = held.name FROM held WHERE member.id = held.id
        """,
        [community.pk],
    )
    return int(cursor.rowcount)
