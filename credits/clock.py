"""The database's clock, which alone decides what is due, leased or late."""

from datetime import datetime

from django.db import connection


def after(seconds: float) -> datetime:
    """The moment that many seconds from now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + make_interval(secs => %s)", [seconds])
        moment: datetime = cursor.fetchone()[0]
    return moment
