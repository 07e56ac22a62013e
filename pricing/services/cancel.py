"""Cancelling a reduction that has not ended."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

import outbox
from pricing.models import PriceReduction

Status = PriceReduction.Status


class NotCancellable(Exception):
    """The reduction had ended before it could be cancelled; `reduction` says how."""

    def __init__(self, reduction: PriceReduction) -> None:
        super().__init__(f"This reduction is {reduction.status} already and cannot be cancelled.")
        self.reduction = reduction


def cancel_reduction(*, reduction_id: UUID | str, actor: str) -> PriceReduction:
    """Cancel a reduction; what a category's run has applied by then stays applied.

    Against a worker that is at the same reduction there is one outcome: either the worker ends
    it, and NotCancellable is raised, or nothing more is applied. A second call returns the same
    cancelled reduction. Raises PriceReduction.DoesNotExist, NotCancellable.
    """
    reason = f"cancelled by {actor}"
    with transaction.atomic():
        # Waits for a chunk that is being applied. A worker that comes later finds it cancelled.
        reduction = PriceReduction.objects.locked().get(pk=reduction_id)
        if reduction.status == Status.SCHEDULED:
            PriceReduction.objects.filter(pk=reduction.pk).update(
                status=Status.CANCELLED, reason=reason, finished_at=Now()
            )
            if reduction.message_id:
                outbox.cancel(reduction.message_id, reason=reason)
            reduction.refresh_from_db()
    if reduction.status != Status.CANCELLED:
        raise NotCancellable(reduction)
    return reduction
