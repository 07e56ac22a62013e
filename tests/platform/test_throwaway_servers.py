"""The servers that the suite itself runs on."""

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_the_suite_runs_on_a_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_the_suite_runs_on_a_real_broker() -> None:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        assert client.ping()
