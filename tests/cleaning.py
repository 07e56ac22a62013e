"""What a test has committed is removed after it, and nothing else is done.

Django's own way empties every table there is and then makes each permission anew, which took
longer than most tests did. Here only tables with rows are emptied, physically too, and what must be
there (content types, permissions, roles) stays unless a test has changed it. The first time is
Django's own, and what it leaves is what every later one has to leave.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

MOST_BYTES = 8_000_000  # of a table: beyond, emptying it row by row would be the slow way
_FILLED = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace
    AND pg_relation_size(oid) > 0
"""
djangos_own = TransactionTestCase._fixture_teardown


class Kept:
    """The tables that have rows when nothing is left of any test, and what is in them."""

    def __init__(self) -> None:
        self.names = connection.introspection.django_table_names(only_existing=True)
        with connection.cursor() as cursor:
            # Not by their size: what Django has just emptied may have been vacuumed or not.
            self.tables = sorted(name for name in self.names if _has_rows(cursor, name))
            self.content = self.read(cursor)
        models = connection.introspection.installed_models(self.tables)
        # The race explorer starts every sequence anew: the next row must not meet one that stays.
        self.sequences = connection.ops.sequence_reset_sql(no_style(), sorted(models, key=str))

    def read(self, cursor: CursorWrapper) -> list[str]:
        """What these tables hold now, in short."""
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {quoted(table)} t"
                for table in self.tables
            )
        )
        return [content for (content,) in cursor.fetchall()]


class Cleaner:
    """Stands in for Django's way in one process, on one database."""

    def __init__(self) -> None:
        self.kept: Kept | None = None

    def clean(self, case: Any) -> None:
        """Django's `_fixture_teardown`."""
        if self.kept is None or not self._remove_what_was_added(self.kept):
            djangos_own(case)
            self.kept = Kept()
        ContentType.objects.clear_cache()  # as Django does; pages are asked how much they ask

    def _remove_what_was_added(self, kept: Kept) -> bool:
        filled = self._delete(kept)
        if filled is None:
            return False
        if filled:
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM (INDEX_CLEANUP ON) {', '.join(map(quoted, filled))}")
        return True

    def _delete(self, kept: Kept) -> list[str] | None:
        """Returns what had rows, or None where it is for Django to put things right."""
        with transaction.atomic(), connection.cursor() as cursor:
            # As TRUNCATE does: whoever is still at work here commits first, or has died.
            cursor.execute(f"LOCK TABLE {', '.join(map(quoted, kept.names))}")
            cursor.execute(_FILLED, [kept.names])
            sizes = dict(cursor.fetchall())
            if max(sizes.values(), default=0) > MOST_BYTES or kept.read(cursor) != kept.content:
                return None
            filled = sorted(sizes.keys() - set(kept.tables))
            # replica: neither foreign keys nor triggers that refuse a DELETE are asked
            cursor.execute("SET LOCAL session_replication_role = replica")
            emptied = [f"DELETE FROM {quoted(table)}" for table in filled]
            cursor.execute("; ".join([*emptied, *kept.sequences]))
        return filled


def quoted(table: str) -> str:
    """A table's name for SQL."""
    return connection.ops.quote_name(table)


def _has_rows(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT FROM {quoted(table)})")
    return bool(cursor.fetchone()[0])


@pytest.fixture(scope="session", autouse=True)
def _clean_quickly() -> Iterator[None]:
    if "TEST_DATABASE_URL" in os.environ:  # a given server's user may not be allowed all this
        yield
        return
    cleaner = Cleaner()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: cleaner.clean(case))
        yield
