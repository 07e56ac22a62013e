"""Statements in the documents run on a real PostgreSQL."""

import pytest
from django.db import connection, transaction

from tests.docs.blocks import Block, blocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_a_statement_runs(block: Block) -> None:
    """Inside a transaction that is undone; the deployment's role exists in it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE ROLE onceproof")
        for statement in filter(None, map(str.strip, block.text.split(";"))):
            cursor.execute(statement)
        cursor.execute(
            "SELECT count(*) FROM pg_db_role_setting WHERE setrole = 'onceproof'::regrole"
        )
        settings = cursor.fetchone()[0]
        transaction.set_rollback(True)
    assert settings == ("ALTER ROLE" in block.text)
