"""The reads that lock, named, always in primary-key order: two transactions never cross.

Order across tables: message (the outbox holds it), then run, then everything that belongs to the
run's order, then stock. Who holds the run may write to all of it: one row lock serialises an order.
"""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from orders.models import SagaRun  # noqa: F401


class SagaRunQuerySet(models.QuerySet["SagaRun"]):
    """Runs of sagas, and the one way to lock them."""

    def locked(self) -> Self:
        """Hold these runs: steps, results and cancelling of one order take turns."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")
