"""Placing an order: once per key, at the prices of this moment, its saga in the same commit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction

import outbox
from orders import engine, inputs
from orders.inputs import InvalidInput, OrderRequest
from orders.models import Order, OrderLine, Payment, Shipment
from orders.operations import operation_of_key
from outbox.ids import uuid7
from pricing import selectors as pricing
from pricing.models import Product

log = structlog.get_logger(__name__)


class KeyReused(Exception):
    """The key names another order. Nothing was placed; use a new key for a new order."""


class PriceChanged(Exception):
    """The order costs something else than the customer saw. Nothing was placed or charged."""

    def __init__(self, expected: Decimal, total: Decimal) -> None:
        super().__init__(
            f"The prices have changed: the order now costs {total:.2f} instead of {expected:.2f}. "
            "Nothing was charged. Order again with the new total if you still want it."
        )
        self.total = total


def place_order(
    *,
    actor: str,
    lines: Sequence[Mapping[str, Any]],
    payment_method: str,
    expected_total: Decimal | str | None = None,
    email: str | None = None,
    key: str | None = None,
) -> Order:
    """Place an order and return it; its saga reserves, charges and ships from here on.

    A second call with the same `key` and arguments returns the first one's order, from any process
    and at any time; without a key each call is an order of its own.

    Raises InvalidInput, PriceChanged, KeyReused. None of them changes anything.
    """
    request = inputs.order_request(
        lines=lines, payment_method=payment_method, expected_total=expected_total, email=email
    )
    operation_id = operation_of_key(key) if key else outbox.current_operation()
    with transaction.atomic():
        products = _products(request)
        order, created = Order.objects.get_or_create(
            # The unique constraint makes callers with one key wait here for the first of them.
            operation_id=operation_id,
            defaults=_columns(request, products, actor),
        )
        if created:
            # Not earlier: a repeated request gets its order, whatever has been sold since.
            _refuse_impossible(request, products, order)
            _write_rest(order, request, products)
    if created:  # in the log this line ties the request to the operation
        told = {"order_id": str(order.pk), "operation_id": str(order.operation_id)}
        log.info("order_placed", placed_by=actor, **told)
    else:
        _demand_same(order, request)
    return order


def _products(request: OrderRequest) -> dict[str, Product]:
    found = Product.objects.select_related("stock").filter(sku__in=request.quantities)
    products = {product.sku: product for product in found}
    unknown = [sku for sku in request.quantities if sku not in products]
    if unknown:
        raise InvalidInput({"lines": f"name products that are unknown: {', '.join(unknown)}."})
    return products


def _columns(request: OrderRequest, products: dict[str, Product], actor: str) -> dict[str, Any]:
    return {
        "id": uuid7(),
        # Asked for only where there is no order yet: its prices may have changed since.
        "total": lambda: _total(request, products),
        "payment_method": request.payment_method,
        "email": request.email,
        "placed_by": actor,
    }


def _total(request: OrderRequest, products: dict[str, Product]) -> Decimal:
    total = sum(
        (products[sku].price * count for sku, count in request.quantities.items()), Decimal(0)
    )
    if not inputs.SMALLEST_TOTAL <= total <= inputs.LARGEST_TOTAL:
        least, most = inputs.SMALLEST_TOTAL, inputs.LARGEST_TOTAL
        raise InvalidInput(
            {"lines": f"cost {total:.2f} together; order for {least} to {most:,} at a time."}
        )
    return total


def _refuse_impossible(request: OrderRequest, products: dict[str, Product], order: Order) -> None:
    """Tell at once what the saga would find anyway; the reservation itself decides."""
    if request.expected_total is not None and request.expected_total != order.total:
        raise PriceChanged(request.expected_total, order.total)
    short = {}
    for sku, wanted in request.quantities.items():
        stock = pricing.stock_of(products[sku])
        if wanted > stock.on_hand - stock.reserved:
            short[sku] = stock.on_hand - stock.reserved
    if short:
        left = ", ".join(f"{count} of {sku}" for sku, count in short.items())
        raise InvalidInput({"lines": f"ask for more than there is: {left} left. Order fewer."})


def _write_rest(order: Order, request: OrderRequest, products: dict[str, Product]) -> None:
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product=products[sku], quantity=count, price=products[sku].price)
        for sku, count in request.quantities.items()
    )
    Payment.objects.create(order=order, amount=order.cents)
    Shipment.objects.create(order=order, reference=f"order-{order.pk}")
    engine.start("order", order_id=order.pk, operation_id=order.operation_id, run_id=order.pk)


def _demand_same(order: Order, request: OrderRequest) -> None:
    placed = (order.payment_method, order.email)
    lines = dict(order.lines.values_list("product__sku", "quantity"))
    if lines != request.quantities or placed != (request.payment_method, request.email):
        raise KeyReused(
            f"This key already names another order ({order.pk}). Use a new key, or repeat the "
            "first request unchanged."
        )
