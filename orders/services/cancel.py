"""Cancelling an order: it races with charging it, and has one outcome."""

from uuid import UUID

import structlog
from django.db import transaction

from orders import engine
from orders.models import Order, SagaRun

Status = Order.Status
log = structlog.get_logger(__name__)


class NotCancellable(Exception):
    """The order was being charged, or had ended, before it could be cancelled."""

    def __init__(self, order: Order) -> None:
        states = {Status.PLACED: "being charged", Status.NEEDS_PERSON: "waiting for a person"}
        state = states.get(Status(order.status), order.get_status_display())
        super().__init__(f"This order is {state} and cannot be cancelled any more.")
        self.order = order


def cancel_order(*, order_id: UUID | str, actor: str) -> Order:
    """Have everything taken back that the order did so far; it ends as cancelled.

    Until the charge has begun: its first attempt and this take turns at the run's row. One that
    waits for a person on its way there can be cancelled, too. A second call returns the same order.
    Raises Order.DoesNotExist, NotCancellable.
    """
    with transaction.atomic():
        run = SagaRun.objects.locked().filter(saga="order", order_id=order_id).first()
        order = Order.objects.get(pk=order_id)
        if run is not None and order.status in (Status.PLACED, Status.NEEDS_PERSON):
            turned = engine.turn_back(run, reason=f"cancelled by {actor}")
            if turned:
                order.refresh_from_db()
                told = {"order_id": str(order.pk), "operation_id": str(order.operation_id)}
                log.info("order_cancelling", cancelled_by=actor, **told)
    if order.status not in (Status.CANCELLING, Status.CANCELLED):
        raise NotCancellable(order)
    return order
