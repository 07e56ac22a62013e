"""Roles and users with no more rights than a deployment gives them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.security import least


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """The connection of who owns the tables; what it does is committed at once."""
    with django_db_blocker.unblock():
        yield connection


@pytest.fixture(scope="module")
def roles(owner: Any) -> Iterator[dict[str, str]]:
    """The database's roles, each with the address by which it connects."""
    with least.database_roles() as addresses:
        yield addresses


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[least.Broker]:
    """A broker with the users of a deployment."""
    folder: Path = tmp_path_factory.mktemp("broker")
    with least.broker(folder) as started:
        yield started
