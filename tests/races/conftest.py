"""The `race` fixture: the explorer on this worker's own throwaway server."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections

from races import place
from races.explorer import Explorer, Race
from tests import settings as test_settings


@pytest.fixture(scope="session")
def race_server(django_db_setup: None, django_db_blocker: Any) -> None:
    """This worker's server, with autovacuum off: it would move rows by chance."""
    if test_settings.SERVERS is None:
        pytest.skip("The explorer holds and ends backends: it needs a server of its own.")
    with django_db_blocker.unblock():
        connection = connections["default"]
        connection.ensure_connection()
        url = connection.get_connection_params()
        with psycopg.connect(
            host=url["host"], port=url["port"], user=url["user"], password=url["password"],
            dbname=url["dbname"], autocommit=True,
        ) as control:  # fmt: skip
            control.execute("ALTER SYSTEM SET autovacuum = off")
            control.execute("SELECT pg_reload_conf()")
        connection.close()
        place.make_connecting_cheap(url["password"])


@pytest.fixture
def transactional_db() -> None:
    """Says that these tests need the database; it is the explorer that puts it back."""


@pytest.fixture
def explorer(
    transactional_db: None, race_server: None, django_db_blocker: Any
) -> Iterator[Explorer]:
    """An explorer of its own for each test; the database is clean behind it."""
    with django_db_blocker.unblock():
        explorer = Explorer(patience=20)
        yield explorer
        explorer.clean()
        explorer.close()
        connections["default"].close()


@pytest.fixture
def race(explorer: Explorer, record_property: Any) -> Iterator[Race]:
    """`race.proves(…)`, `race.refutes(…)`; its figures are added up at the end of the run."""
    race = Race(explorer)
    yield race
    record_property("races", race.figures())
