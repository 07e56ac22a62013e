"""The benchmark's tables in the test's database."""

from collections.abc import Iterator

import pytest
from django.db import connection

from benchmarks.ledger import Ledger


@pytest.fixture
def ledger(transactional_db: None) -> Iterator[Ledger]:
    database = connection.settings_dict
    login = f"{database['USER']}:{database['PASSWORD']}"
    address = f"{database['HOST']}:{database['PORT'] or 5432}"
    ledger = Ledger(f"postgres://{login}@{address}/{database['NAME']}")
    ledger.create()
    yield ledger
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE work_account, work_request, work_entry")
    ledger.connection.close()
