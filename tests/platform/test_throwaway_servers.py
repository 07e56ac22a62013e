"""The servers that the suite itself runs on."""

import pytest
from django.conf import settings
from django.db import connection
from kombu import Connection


@pytest.mark.django_db
def test_the_suite_runs_on_a_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_the_suite_runs_on_a_real_broker() -> None:
    with Connection(settings.CELERY_BROKER_URL) as broker:
        broker.connect()
        assert broker.connected
