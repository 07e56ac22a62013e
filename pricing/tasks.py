"""The doorways through which workers reach the services."""

from datetime import timedelta

import outbox
from pricing import services


@outbox.handler(
    "pricing.apply_reduction",
    queue="default",
    deadline=timedelta(seconds=30),  # a chunk takes milliseconds; the rest is waiting for locks
    late=outbox.Late.DROP,  # a reduction found a month late does not run because a worker came back
    on_abandoned=services.abandon_reduction,
)
def apply_reduction(*, reduction_id: str) -> None:
    """Apply the next chunk of a reduction."""
    services.apply_reduction(reduction_id=reduction_id)
