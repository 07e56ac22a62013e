"""The API of orders. What is allowed is said in `inputs`; here it meets HTTP."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema
from ninja.errors import AuthorizationError, HttpError, ValidationError
from pydantic import ConfigDict

import outbox
from orders import selectors, services
from orders.inputs import InvalidInput
from orders.models import Order

router = Router(tags=["orders"])


class LineIn(Schema):
    """So many of one product."""

    model_config = ConfigDict(strict=True, extra="forbid")

    sku: str
    quantity: int = Field(description="From 1 to 10,000.")


class OrderIn(Schema):
    """What to order, and how it is paid. Card numbers must never be sent here."""

    model_config = ConfigDict(strict=True, extra="forbid")

    lines: list[LineIn]
    payment_method: str = Field(examples=["pm_card_visa"])
    expected_total: str | None = Field(None, description="What the customer saw.")
    email: str | None = Field(None, description="Where the receipt goes.")


class LineOut(Schema):
    """So many of one product, at its price of then."""

    sku: str
    quantity: int
    price: str


class StepOut(Schema):
    """One step of the order's saga."""

    name: str
    status: str
    attempts: int


class OrderOut(Schema):
    """An order, and how far it has come."""

    id: UUID
    operation_id: UUID
    status: str = Field(description="placed, cancelling, shipped, cancelled or needs_person")
    reason: str = Field(description="Why it was not shipped; empty where it was, or may be.")
    total: str
    lines: list[LineOut]
    placed_by: str
    created_at: str
    finished_at: str | None
    steps: list[StepOut]


@router.post("/orders", response={201: OrderOut})
@outbox.idempotent_post
def place_order(request: HttpRequest, payload: OrderIn) -> tuple[int, dict[str, Any]]:
    """Place an order at the prices of this moment. Needs an `Idempotency-Key`."""
    _demand(request, "orders.add_order")
    try:
        order = services.place_order(
            actor=_actor(request),
            email=payload.email,
            lines=[line.dict() for line in payload.lines],
            payment_method=payload.payment_method,
            expected_total=payload.expected_total,
        )
    except InvalidInput as refusal:
        raise _invalid(refusal) from None
    except services.PriceChanged as refusal:
        raise HttpError(409, str(refusal)) from None
    return 201, selectors.describe_order(order)


@router.get("/orders/{order_id}", response=OrderOut)
def get_order(request: HttpRequest, order_id: UUID) -> dict[str, Any]:
    """One order, with the steps of its saga."""
    _demand(request, "orders.view_order")
    return selectors.describe_order(_find(order_id))


@router.post("/orders/{order_id}/cancel", response={200: OrderOut})
@outbox.idempotent_post
def cancel_order(request: HttpRequest, order_id: UUID) -> tuple[int, dict[str, Any]]:
    """Cancel an order that is not being charged yet. Needs an `Idempotency-Key`."""
    _demand(request, "orders.change_order")
    _find(order_id)
    try:
        order = services.cancel_order(order_id=order_id, actor=_actor(request))
    except services.NotCancellable as refusal:
        raise HttpError(409, str(refusal)) from None
    return 200, selectors.describe_order(order)


def _demand(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise AuthorizationError


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()


def _find(order_id: UUID) -> Order:
    try:
        return selectors.find_order(order_id)
    except Order.DoesNotExist:
        raise Http404 from None


def _invalid(refusal: InvalidInput) -> ValidationError:
    return ValidationError(
        [
            {"type": "value_error", "loc": ("body", "payload", field), "msg": advice}
            for field, advice in refusal.errors.items()
        ]
    )
