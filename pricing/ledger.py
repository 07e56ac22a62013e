"""The one place where a price changes: the product's row and the PriceChange, together."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from pricing.models import PriceChange


@dataclass(frozen=True, kw_only=True)
class NewPrice:
    """The next price of a product that the caller holds locked and read at `version`."""

    product_id: int
    version: int
    old: Decimal
    new: Decimal


def record_prices(
    prices: Sequence[NewPrice],
    *,
    cause: PriceChange.Cause,
    actor: str,
    reduction_id: UUID | None = None,
) -> None:
    """Write the new prices and their changes: two statements, however many products.

    Raises StalePrice where a product is no longer at the version that it was read at.
    """
    if not prices:
        return
    _write_products(prices)
    PriceChange.objects.bulk_create(
        PriceChange(
            product_id=price.product_id,
            version=price.version + 1,
            old_price=price.old,
            new_price=price.new,
            cause=cause,
            reduction_id=reduction_id,
            actor=actor,
        )
        for price in prices
    )


def _write_products(prices: Sequence[NewPrice]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE pricing_product AS product
            SET price = step.price, version = step.version + 1, revision = product.revision + 1
            FROM unnest(%s::bigint[], %s::integer[], %s::numeric[]) AS step (id, version, price)
            WHERE product.id = step.id AND product.version = step.version
            """,
            [
                [price.product_id for price in prices],
                [price.version for price in prices],
                [price.new for price in prices],
            ],
        )
        written = cursor.rowcount
    if written != len(prices):
        raise StalePrice(f"{len(prices) - written} of {len(prices)} prices had changed meanwhile")


class StalePrice(Exception):
    """A price was written without holding its product's lock, or from an old reading.

    The caller's transaction must not go on; run again, it reads the present.
    """
