"""The reads that lock, named, always in primary-key order: two transactions never cross.

Order across tables: message (the outbox holds it), then reduction, then products, then stock.
"""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from pricing.models import PriceReduction, Product, Stock  # noqa: F401


class ProductQuerySet(models.QuerySet["Product"]):
    """Products, and the one way to lock them."""

    def locked(self) -> Self:
        """Hold these products until the transaction ends, and read them as they are by then.

        FOR NO KEY UPDATE: rows that merely point at a product need not wait.
        """
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")


class ReductionQuerySet(models.QuerySet["PriceReduction"]):
    """Price reductions, and the one way to lock them."""

    def locked(self) -> Self:
        """Hold these reductions: apply and cancel of the same one take turns."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")


class StockQuerySet(models.QuerySet["Stock"]):
    """Stock, and the guarded updates that need no lock before them: each checks as it writes."""

    def locked(self) -> Self:
        """Hold these products' stock, and read it as it is by then."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")

    def with_available(self, quantity: int) -> Self:
        """Those of which so many are on hand and not reserved."""
        return self.filter(on_hand__gte=models.F("reserved") + quantity)

    def with_reserved(self, quantity: int) -> Self:
        """Those of which so many are reserved."""
        return self.filter(reserved__gte=quantity)
