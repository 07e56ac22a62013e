"""What the peers run: the ORM code of `ours_single`, in a transaction of its own."""

from django.db import transaction

Job = dict[str, str | int]


def deduct(operation: str, account_id: int) -> None:
    """One deduction and its ledger entry."""
    from benchmarks.work import effects  # needs Django set up, which a worker does later

    with transaction.atomic():
        effects.deduct_guarded(operation=operation, account_id=account_id)


def write_requests(jobs: list[Job]) -> None:
    """The business rows of these jobs."""
    from benchmarks.work.models import Request

    Request.objects.bulk_create(
        Request(id=str(job["operation"]), account_id=int(job["account_id"])) for job in jobs
    )
