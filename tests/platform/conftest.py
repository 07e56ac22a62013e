"""What tests of the platform share."""

import pytest
from celery import Celery


@pytest.fixture
def publisher() -> Celery:
    """The application as a new process has it: not yet connected."""
    publisher = Celery("onceproof", set_as_current=False)
    publisher.config_from_object("django.conf:settings", namespace="CELERY")
    return publisher
