"""django-tasks with its database backend: rows in a table, its own worker."""

import django
from django.db import transaction
from django_tasks import task

from benchmarks.peers.python import effect

django.setup()


@task()  # type: ignore[untyped-decorator]
def deduct(operation: str, account_id: int) -> None:
    """The job."""
    effect.deduct(operation, account_id)


def feed(jobs: list[effect.Job]) -> None:
    """In business transactions."""
    with transaction.atomic():
        effect.write_requests(jobs)
        for job in jobs:
            deduct.enqueue(**job)
