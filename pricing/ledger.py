"""Many new prices at once: each product's row and its PriceChange, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection


class StalePrice(Exception):
    """A price was to be written that had changed since it was read: its product was not held.

    The caller's transaction must not go on; run again, it reads the present.
    """


@dataclass(frozen=True, kw_only=True)
class NewPrice:
    """The next price of a product that the caller holds locked and has read at `version`."""

    product_id: int
    version: int
    old: Decimal
    new: Decimal


def record_reduced_prices(prices: Sequence[NewPrice], *, reduction_id: UUID, actor: str) -> None:
    """Write the new prices and append their changes. Raises StalePrice."""
    if not prices:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_AND_APPEND,
            [
                [price.product_id for price in prices],
                [price.version for price in prices],
                [price.old for price in prices],
                [price.new for price in prices],
                reduction_id,
                actor,
            ],
        )
        written = cursor.rowcount
    if written != len(prices):
        raise StalePrice(f"{len(prices) - written} of {len(prices)} prices had changed meanwhile.")


_WRITE_AND_APPEND = """
WITH step AS (
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::numeric[], %s::numeric[])
        AS step (product_id, version, old_price, new_price)
), written AS (
    UPDATE pricing_product AS product
    SET price = step.new_price, version = step.version + 1, revision = product.revision + 1
    FROM step
    WHERE product.id = step.product_id AND product.version = step.version
    RETURNING product.id, product.version
)
INSERT INTO pricing_pricechange
    (product_id, version, old_price, new_price, cause, reduction_id, actor)
SELECT step.product_id, written.version, step.old_price, step.new_price, 'reduction', %s, %s
FROM step JOIN written ON written.id = step.product_id
"""
