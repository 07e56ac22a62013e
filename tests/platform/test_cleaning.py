"""Between two tests the database is as it was: tests/cleaning.py, in place of Django's own way."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

from outbox.models import Message
from tests import cleaning
from tests.cleaning import Cleaner, Kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clean() -> Callable[[], None]:
    """Does what is done after each test; nothing has been committed yet."""
    cleaner = Cleaner()
    cleaner.kept = Kept()
    return lambda: cleaner.clean(TransactionTestCase())


def test_what_was_committed_goes_physically(clean: Callable[[], None]) -> None:
    Message.objects.create(handler="none", operation_id=uuid4())
    assert _bytes_of_messages() > 0
    clean()
    assert not Message.objects.exists()
    assert _bytes_of_messages() == 0


def test_what_must_be_there_stays(clean: Callable[[], None]) -> None:
    before = _rights()
    clean()
    assert _rights() == before
    assert before
    assert ContentType.objects.exists()


@pytest.mark.parametrize("model", [Group, Permission, ContentType])
def test_what_must_be_there_comes_back(clean: Callable[[], None], model: type[Group]) -> None:
    before = _rights()
    model.objects.all().delete()
    clean()
    assert _rights() == before


def test_a_sequence_that_was_started_anew_meets_no_row_that_stays(
    clean: Callable[[], None],
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('auth_group', 'id'), 1, false)")
    clean()
    assert Group.objects.create(name="one more").pk


def test_a_large_table_is_left_to_truncate(
    clean: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "MOST_BYTES", 0)
    Message.objects.create(handler="none", operation_id=uuid4())
    clean()
    assert not Message.objects.exists()


def _rights() -> set[tuple[str, str]]:
    return set(Group.objects.values_list("name", "permissions__codename"))


def _bytes_of_messages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('outbox_message')")
        return int(cursor.fetchone()[0])
