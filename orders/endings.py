"""What the states of a saga mean to what it is about. Each runs in the saga's own transaction."""

from django.db.models.functions import Now

from orders.models import Order, Receipt, Refund, SagaRun

State = SagaRun.State


def of_order(run: SagaRun) -> None:
    """The order follows its saga; shipped, it asks for its receipt."""
    status = {
        State.RUNNING: Order.Status.PLACED,
        State.COMPENSATING: Order.Status.CANCELLING,
        State.DONE: Order.Status.SHIPPED,
        State.COMPENSATED: Order.Status.CANCELLED,
        State.NEEDS_PERSON: Order.Status.NEEDS_PERSON,
    }[State(run.state)]
    ended = run.state in (State.DONE, State.COMPENSATED)
    Order.objects.filter(pk=run.order_id).update(
        status=status, reason=run.reason, finished_at=Now() if ended else None
    )
    if run.state == State.DONE:
        _ask_for_receipt(run)


def of_refund(run: SagaRun) -> None:
    """The refund follows its saga."""
    status = {
        State.DONE: Refund.Status.DONE,
        State.COMPENSATED: Refund.Status.REFUSED,
        State.NEEDS_PERSON: Refund.Status.NEEDS_PERSON,
    }.get(State(run.state), Refund.Status.OPEN)
    Refund.objects.filter(order_id=run.order_id).update(status=status)


def of_receipt(run: SagaRun) -> None:
    """A receipt that did not go out changes nothing about its order: its own step says so."""


def _ask_for_receipt(run: SagaRun) -> None:
    from orders.engine import start  # the engine knows the tables, which know this module

    email = Order.objects.values_list("email", flat=True).get(pk=run.order_id)
    if email:
        Receipt.objects.create(order_id=run.order_id, email=email)
        start("receipt", order_id=run.order_id, operation_id=run.operation_id)
