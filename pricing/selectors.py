"""The reads of pricing: for pages, API and command line."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Concat, Lower

from outbox.models import Message
from outbox.selectors import Event, story
from pricing.inputs import BROKEN
from pricing.models import PriceChange, PriceReduction, Product, ReductionTarget, Stock

MOST_FOUND = 1_000
"""Products that a search lists: who finds more looks for something too short."""


def search_products(text: str = "") -> QuerySet[Product]:
    """Products whose SKU, name or category holds the text; the exact SKU first, then by SKU."""
    text = text.strip()
    if BROKEN.search(text):
        return Product.objects.none()
    found = Product.objects.select_related("stock")
    if not text:
        return found.order_by("sku")
    # In one piece: to lower each of the three by itself takes twice as long.
    piece = Lower(Concat("sku", Value("\n"), "name", Value("\n"), "category"))
    exact_first = Case(When(sku__iexact=text, then=0), default=1)
    return (
        found.alias(piece=piece).filter(piece__contains=text.lower()).order_by(exact_first, "sku")
    )


def find_first(text: str) -> list[int]:
    """The ids of the first products that hold the text, at most MOST_FOUND: one look at the table,
    where a page and its count would be two.
    """
    return list(search_products(text).values_list("pk", flat=True)[:MOST_FOUND])


def products_in_order(ids: list[int]) -> list[Product]:
    """The products with these ids, in this order."""
    found = Product.objects.select_related("stock").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def find_product(sku: str) -> Product:
    """The product. Raises Product.DoesNotExist."""
    if BROKEN.search(sku):
        raise Product.DoesNotExist
    return Product.objects.select_related("stock").get(sku=sku)


def list_categories() -> list[tuple[str, int]]:
    """Each category with its number of products, by name."""
    counted = Product.objects.order_by("category").values_list("category")
    return [(name, count) for name, count in counted.annotate(count=Count("pk"))]


def price_history(product: Product, *, latest: int = 200) -> list[PriceChange]:
    """The latest changes of its price, oldest first; the last one's new price is its price."""
    changes = product.price_changes.select_related("reduction").order_by("-version")
    return list(changes[:latest])[::-1]


def list_reductions(*, status: str = "") -> QuerySet[PriceReduction]:
    """Reductions, latest first, with their product."""
    found = PriceReduction.objects.select_related("product").order_by("-pk")
    return found.filter(status=status) if status else found


def reductions_of(product: Product) -> QuerySet[ReductionTarget]:
    """What each reduction meant for the product, alone or in its category; latest first."""
    return product.targets.select_related("reduction").order_by("-reduction_id")


def find_reduction(reduction_id: UUID | str) -> PriceReduction:
    """The reduction, with its product. Raises PriceReduction.DoesNotExist."""
    return PriceReduction.objects.select_related("product").get(pk=reduction_id)


def list_targets(reduction: PriceReduction, *, outcome: str = "") -> QuerySet[ReductionTarget]:
    """The products of a reduction in the order of their turn; `outcome` may be "pending", too."""
    found = reduction.targets.select_related("product").order_by("product_id")
    if not outcome:
        return found
    return found.filter(outcome=None if outcome == "pending" else outcome)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How many products of a reduction wait, got the new price, or were skipped."""

    pending: int
    applied: int
    skipped: int

    @property
    def total(self) -> int:
        """All products that the reduction means."""
        return self.pending + self.applied + self.skipped


def count_outcomes(reduction: PriceReduction) -> Outcomes:
    """The reduction's products by outcome, in one statement: the sum is right at every moment."""
    counted = dict(reduction.targets.order_by().values_list("outcome").annotate(count=Count("pk")))
    return Outcomes(
        pending=counted.get(None, 0),
        applied=counted.get(ReductionTarget.Outcome.APPLIED, 0),
        skipped=counted.get(ReductionTarget.Outcome.SKIPPED, 0),
    )


def reduction_story(reduction: PriceReduction) -> list[Event]:
    """What befell the reduction, in order of time; empty once its messages are pruned.

    A category's run is a chain of messages: told are the beginning of the first and the end of
    the latest.
    """
    if reduction.message_id is None:
        return []
    chain = Message.objects.filter(operation_id=reduction.operation_id).order_by("created_at")
    first = chain.values_list("pk", flat=True).first()
    latest = story(reduction.message_id)
    if first in {None, reduction.message_id}:
        return latest
    beginning = [event for event in story(first) if event.kind != "done"]
    return beginning + [event for event in latest if event.kind not in BEGINNING]


BEGINNING = {"scheduled", "dispatched", "claimed"}


def describe_product(product: Product) -> dict[str, Any]:
    """The product as API and command line show it: money as decimal strings."""
    stock = stock_of(product)
    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price": str(product.price),
        "floor": str(product.floor),
        "version": product.version,
        "stock": stock.on_hand,
        "reserved": stock.reserved,
    }


def stock_of(product: Product) -> Stock:
    """The product's stock; one of which nothing was ever said has none."""
    return getattr(product, "stock", None) or Stock(product=product)


def describe_reduction(reduction: PriceReduction) -> dict[str, Any]:
    """The reduction as API and command line show it: decimals as strings, times as ISO 8601."""
    return {
        "id": str(reduction.pk),
        "operation_id": str(reduction.operation_id),
        "status": str(reduction.status),
        "reason": reduction.reason,
        "sku": reduction.product.sku if reduction.product else None,
        "category": reduction.category or None,
        "percent": None if reduction.percent is None else f"{reduction.percent.normalize():f}",
        "amount": None if reduction.amount is None else f"{reduction.amount:.2f}",
        "if_price_changed": str(reduction.if_price_changed),
        "starts_at": _time(reduction.starts_at),
        "expires_at": _time(reduction.expires_at),
        "created_by": reduction.created_by,
        "created_at": _time(reduction.created_at),
        "finished_at": _time(reduction.finished_at),
        "products": asdict(count_outcomes(reduction)),
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
