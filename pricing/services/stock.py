"""Stock: reserved for an order, then taken or released; each by an update that checks as it writes.

Every function here takes `{product_id: quantity}`, works in the caller's transaction and in the
order of the products, so that two orders of the same products never wait for each other in a ring.
None remembers what it did: the caller's rows say whether a reservation was made or released.
"""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from pricing.inputs import InvalidInput
from pricing.models import Product, Stock

MOST = 1_000_000_000
"""The largest stock: above it lies a slip of the finger, and soon the column's own end."""


class OutOfStock(Exception):
    """There is less of a product than is asked for. What the same call reserved must be undone."""

    def __init__(self, product_id: int, quantity: int) -> None:
        super().__init__(f"fewer than {quantity} of product {product_id} are left")
        self.product_id = product_id
        self.quantity = quantity


def set_stock(*, sku: str, on_hand: int) -> Stock:
    """Say how many are on hand, the reserved ones included. Raises InvalidInput.

    A second call changes nothing. Never below what open orders have reserved.
    """
    if not 0 <= on_hand <= MOST:
        raise InvalidInput({"stock": f"is a whole number from 0 to {MOST:,}; give one."})
    with transaction.atomic():
        product = Product.objects.filter(sku=sku).first()
        if product is None:
            raise InvalidInput({"sku": "is unknown; import the product first."})
        Stock.objects.get_or_create(product=product)
        stock = Stock.objects.locked().get(product=product)
        if on_hand < stock.reserved:
            raise InvalidInput(
                {"stock": f"cannot fall below the {stock.reserved} that open orders have reserved."}
            )
        Stock.objects.filter(pk=stock.pk).update(on_hand=on_hand)
        stock.on_hand = on_hand
    return stock


def reserve_stock(quantities: Mapping[int, int]) -> None:
    """Reserve all of it, or raise OutOfStock; the caller's transaction or savepoint undoes it."""
    for product_id, quantity in sorted(quantities.items()):
        free = Stock.objects.filter(product_id=product_id).with_available(quantity)
        if not free.update(reserved=F("reserved") + quantity):
            raise OutOfStock(product_id, quantity)


def release_stock(quantities: Mapping[int, int]) -> None:
    """Give back what was reserved. Raises RuntimeError where less is reserved than that."""
    for product_id, quantity in sorted(quantities.items()):
        held = Stock.objects.filter(product_id=product_id).with_reserved(quantity)
        _demand(held.update(reserved=F("reserved") - quantity), product_id)


def take_stock(quantities: Mapping[int, int]) -> None:
    """Book out what was reserved: it has left the house. Raises as `release_stock`."""
    for product_id, quantity in sorted(quantities.items()):
        held = Stock.objects.filter(product_id=product_id).with_reserved(quantity)
        taken = held.update(reserved=F("reserved") - quantity, on_hand=F("on_hand") - quantity)
        _demand(taken, product_id)


def return_stock(quantities: Mapping[int, int]) -> None:
    """Book in what came back."""
    for product_id, quantity in sorted(quantities.items()):
        known = Stock.objects.filter(product_id=product_id)
        _demand(known.update(on_hand=F("on_hand") + quantity), product_id)


def _demand(updated: int, product_id: int) -> None:
    if not updated:
        raise RuntimeError(f"The stock of product {product_id} does not hold what an order booked.")
