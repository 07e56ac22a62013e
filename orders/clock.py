"""The database's clock, which alone decides what is due, leased or late."""

from datetime import datetime, timedelta

from django.db import connection


def after(delay: timedelta) -> datetime:
    """The moment that far from now, in the middle of a transaction too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() + make_interval(secs => %s)", [delay.total_seconds()]
        )
        moment: datetime = cursor.fetchone()[0]
    return moment
