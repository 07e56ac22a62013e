"""The bare effect: a row in a table without any unique key.

Every other effect of the application has a second line of defence (a constraint, a guarded update)
that would hide a message which ran twice. This one has the outbox and nothing else.
"""

from django.db import connection

TABLE = """
    CREATE TABLE IF NOT EXISTS chaos_effect (
        number bigint, at timestamptz DEFAULT clock_timestamp()
    );
    CREATE INDEX IF NOT EXISTS chaos_effect_number ON chaos_effect (number)
"""


def leave(number: int) -> None:
    """Append a row; a second call appends a second one, which is what the checkers look for."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chaos_effect (number) VALUES (%s)", [number])
