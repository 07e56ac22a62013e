"""Refunding an order that was shipped: the second, smaller saga."""

from uuid import UUID

from django.db import transaction

from orders import engine
from orders.models import Order, Refund, SagaRun, SagaStep
from outbox.ids import uuid7


class NotRefundable(Exception):
    """The order was not charged, so there is nothing to give back."""


def refund_order(*, order_id: UUID | str, reason: str, actor: str) -> Refund:
    """Give the order's money back and book its goods in again; once.

    A second call returns the first one's refund, and has one that was refused tried again. Raises
    Order.DoesNotExist, NotRefundable.
    """
    with transaction.atomic():
        run = SagaRun.objects.locked().filter(saga="order", order_id=order_id).first()
        order = Order.objects.get(pk=order_id)
        if run is None or order.status != Order.Status.SHIPPED:
            raise NotRefundable(f"This order is {order.get_status_display()}, not shipped.")
        refund, created = Refund.objects.get_or_create(
            order=order, defaults={"id": uuid7(), "reason": reason[:500], "asked_by": actor}
        )
        if created:
            engine.start(
                "refund", order_id=order.pk, operation_id=run.operation_id, run_id=refund.pk
            )
        elif refund.status == Refund.Status.REFUSED:
            _try_again(refund, reason=f"asked for again by {actor}: {reason}")
    return refund


def _try_again(refund: Refund, *, reason: str) -> None:
    run = SagaRun.objects.locked().get(pk=refund.pk)
    step = run.steps.get(name="refund")
    if run.state == SagaRun.State.COMPENSATED and step.state == SagaStep.State.REFUSED:
        engine.try_again(run, step, reason=reason)
    refund.refresh_from_db()
