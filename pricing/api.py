"""The API of pricing. What is allowed is said in `inputs`; here it meets HTTP."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema
from ninja.errors import AuthorizationError, HttpError, ValidationError
from pydantic import ConfigDict

import outbox
from pricing import inputs, selectors, services
from pricing.models import PriceReduction, Product

PAGE = 50
NEEDS_KEY = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "schema": {"type": "string", "maxLength": 200},
            "description": "Names this operation: the same key and body replay its answer.",
        }
    ]
}
router = Router(tags=["pricing"])


class ProductOut(Schema):
    """A product. Its version counts the changes of its price."""

    sku: str
    name: str
    category: str
    price: str = Field(examples=["12.50"])
    floor: str = Field(description="No reduction takes the price below it.")
    version: int
    stock: int = Field(description="On hand, the reserved ones included.")
    reserved: int = Field(description="Of those, held for orders that have not ended.")


class ProductSearch(Schema):
    """Which products to list."""

    search: str = Field("", max_length=200)
    page: int = Field(1, ge=1)


class ProductPage(Schema):
    """One page of products, and how many there are on all of them."""

    items: list[ProductOut]
    total: int
    page: int
    pages: int


class OutcomesOut(Schema):
    """How many of the reduction's products wait, got the new price, or were skipped."""

    pending: int
    applied: int
    skipped: int


class ReductionOut(Schema):
    """A price reduction, and what became of it."""

    id: UUID
    operation_id: UUID
    status: str = Field(description="scheduled, applied, skipped, expired, cancelled or failed")
    reason: str = Field(description="Why it was not applied; empty where it was, or still waits.")
    sku: str | None
    category: str | None
    percent: str | None
    amount: str | None
    if_price_changed: str
    starts_at: str | None
    expires_at: str | None
    created_by: str
    created_at: str
    finished_at: str | None
    products: OutcomesOut


class ReductionIn(Schema):
    """Give `sku` or `category`, and `percent` or `amount`. Decimals are strings."""

    model_config = ConfigDict(strict=True, extra="forbid")

    sku: str | None = None
    category: str | None = None
    percent: str | None = Field(None, description="Above 0 and up to 100.", examples=["12.5"])
    amount: str | None = Field(None, description="Up to the price.")
    starts_at: str | None = Field(None, description="ISO 8601 with a zone; without it: at once.")
    expires_at: str | None = Field(None, description="The last moment to apply it.")
    if_price_changed: str = Field("skip", description='"skip" or "apply" to the new price.')


@router.get("/products", response=ProductPage)
def list_products(request: HttpRequest, query: Query[ProductSearch]) -> dict[str, Any]:
    """Search SKU, name and category; the exact SKU comes first."""
    _demand(request, "pricing.view_product")
    found = selectors.search_products(query.search)
    total = found.count()
    pages = max(1, -(-total // PAGE))
    first = (query.page - 1) * PAGE
    shown = found[first : first + PAGE] if query.page <= pages else []
    items = [selectors.describe_product(product) for product in shown]
    return {"items": items, "total": total, "page": query.page, "pages": pages}


@router.get("/products/{sku}", response=ProductOut)
def get_product(request: HttpRequest, sku: str) -> dict[str, Any]:
    """One product by its exact SKU."""
    _demand(request, "pricing.view_product")
    try:
        return selectors.describe_product(selectors.find_product(sku))
    except Product.DoesNotExist:
        raise Http404 from None


@router.post("/price-reductions", response={201: ReductionOut}, openapi_extra=NEEDS_KEY)
@outbox.idempotent_post
def schedule_reduction(request: HttpRequest, payload: ReductionIn) -> tuple[int, dict[str, Any]]:
    """Schedule a reduction, based on the prices of this moment. Needs an `Idempotency-Key`."""
    _demand(request, "pricing.add_pricereduction")
    try:
        reduction = services.schedule_reduction(actor=_actor(request), **payload.dict())
    except inputs.InvalidInput as refusal:
        raise _invalid(refusal) from None
    return 201, selectors.describe_reduction(reduction)


@router.get("/price-reductions/{reduction_id}", response=ReductionOut)
def get_reduction(request: HttpRequest, reduction_id: UUID) -> dict[str, Any]:
    """One reduction, with its products counted by outcome."""
    _demand(request, "pricing.view_pricereduction")
    return selectors.describe_reduction(_find(reduction_id))


@router.post(
    "/price-reductions/{reduction_id}/cancel",
    response={200: ReductionOut},
    openapi_extra=NEEDS_KEY,
)
@outbox.idempotent_post
def cancel_reduction(request: HttpRequest, reduction_id: UUID) -> tuple[int, dict[str, Any]]:
    """Cancel a reduction that has not ended. Needs an `Idempotency-Key`."""
    _demand(request, "pricing.change_pricereduction")
    _find(reduction_id)
    try:
        cancelled = services.cancel_reduction(reduction_id=reduction_id, actor=_actor(request))
    except services.NotCancellable as refusal:
        raise HttpError(409, str(refusal)) from None
    return 200, selectors.describe_reduction(cancelled)


def _demand(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise AuthorizationError


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()


def _find(reduction_id: UUID) -> PriceReduction:
    try:
        return selectors.find_reduction(reduction_id)
    except PriceReduction.DoesNotExist:
        raise Http404 from None


def _invalid(refusal: inputs.InvalidInput) -> ValidationError:
    return ValidationError(
        [
            {"type": "value_error", "loc": ("body", "payload", field), "msg": advice}
            for field, advice in refusal.errors.items()
        ]
    )
