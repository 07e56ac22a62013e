"""django-celery-outbox: rows in a table, published by a relay, one Celery task each."""

import logging

import django
import structlog
from django.conf import settings
from django.db import transaction
from django_celery_outbox import OutboxCelery

from benchmarks.peers.python import effect

# Otherwise its relay writes several lines for each round.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

app = OutboxCelery("peer")
app.config_from_object(settings, namespace="CELERY")


@app.task(name="peer.deduct", ignore_result=True)  # type: ignore[untyped-decorator]
def deduct(operation: str, account_id: int) -> None:
    """The job."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """In business transactions."""
    with transaction.atomic():
        effect.write_requests(jobs)
        for job in jobs:
            deduct.delay(**job)


django.setup()
