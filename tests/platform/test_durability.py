"""A database that may forget its commits is refused, by the check and by every connection."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from config import durability


@pytest.fixture
def lossy(transactional_db: None) -> Iterator[None]:
    del transactional_db
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    connection.close()
    yield
    connection.close()
    connection.settings_dict["OPTIONS"]["options"] += " -c synchronous_commit=on"
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER RESET synchronous_commit")
    connection.close()
    options = connection.settings_dict["OPTIONS"]["options"]
    connection.settings_dict["OPTIONS"]["options"] = options.rsplit(" -c ", 1)[0]


@pytest.mark.usefixtures("lossy")
def test_a_process_refuses_to_work_on_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="synchronous_commit is off"):
        connection.ensure_connection()
    with pytest.raises(ImproperlyConfigured, match="synchronous_commit is off"):
        connection.ensure_connection()  # nor does it get in at the second try


@pytest.mark.usefixtures("lossy")
def test_the_system_check_says_so() -> None:
    assert [error.id for error in durability.check_durability(["default"])] == ["onceproof.E001"]


@pytest.mark.django_db
def test_a_safe_one_passes() -> None:
    assert durability.check_durability(["default"]) == []
    assert durability.check_durability(None) == []
