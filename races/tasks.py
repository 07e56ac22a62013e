"""The dispatches of hot runs, published by `races.hot.lane` to a queue of the run's own."""

from celery import shared_task

from races.hot import deliver


@shared_task(name="races.hot", ignore_result=True)  # type: ignore[untyped-decorator]
def hot(*, strategy: str, account: int, job: int) -> None:
    """Spend one credit for one job, or as many as wait."""
    deliver.deliver(strategy=strategy, account=account, job=job)
