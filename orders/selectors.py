"""The reads of orders: for pages and API."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from orders.models import Order, SagaRun, SagaStep
from orders.operations import operation_of_key


def list_orders(*, status: str = "", search: str = "") -> QuerySet[Order]:
    """Orders, latest first; `search` finds an order's id, or the SKU of one of its lines."""
    found = Order.objects.order_by("-pk")
    if status:
        found = found.filter(status=status)
    if search:
        order_id = _uuid(search)
        found = found.filter(pk=order_id) if order_id else _with_sku(found, search)
    return found


def find_order(order_id: UUID | str) -> Order:
    """The order. Raises Order.DoesNotExist."""
    return Order.objects.get(pk=order_id)


def find_by_key(key: str) -> Order | None:
    """The order that was placed under this key; None where none was."""
    return order_of_operation(operation_of_key(key))


def order_of_operation(operation_id: UUID) -> Order | None:
    """The order that was placed by this operation; None where it was about something else."""
    return Order.objects.filter(operation_id=operation_id).first()


def steps_of(order: Order) -> list[SagaStep]:
    """The steps of the order's saga, in order."""
    found = SagaStep.objects.filter(run__order=order, run__saga="order").select_related("run")
    return list(found.order_by("position").prefetch_related("calls"))


def runs_of(order: Order) -> list[SagaRun]:
    """All its sagas, the order's own first."""
    return list(order.runs.order_by("pk").prefetch_related("steps__calls"))


def has_unsent_receipt(runs: list[SagaRun]) -> bool:
    """Whether one of these is a receipt's that ended without anybody knowing that it went out."""
    unsent = (SagaStep.State.IN_DOUBT, SagaStep.State.REFUSED)
    return any(
        run.saga == "receipt" and step.state in unsent for run in runs for step in run.steps.all()
    )


def describe_order(order: Order) -> dict[str, Any]:
    """The order as API and command line show it: money as decimal strings, times as ISO 8601."""
    lines = order.lines.select_related("product")
    return {
        "id": str(order.pk),
        "operation_id": str(order.operation_id),
        "status": str(order.status),
        "reason": order.reason,
        "total": f"{order.total:.2f}",
        "lines": [
            {"sku": line.product.sku, "quantity": line.quantity, "price": f"{line.price:.2f}"}
            for line in lines
        ],
        "placed_by": order.placed_by,
        "created_at": _time(order.created_at),
        "finished_at": _time(order.finished_at),
        "steps": [
            {"name": step.name, "status": step.status, "attempts": step.attempts}
            for step in steps_of(order)
        ],
    }


def _with_sku(found: QuerySet[Order], sku: str) -> QuerySet[Order]:
    return (
        found.filter(lines__product__sku__iexact=sku.strip()) if sku.isprintable() else found.none()
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
