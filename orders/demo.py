"""Stock for the demo products, so that there is something to order."""

from pricing import services
from pricing.models import Product

ON_HAND = 100
SCARCE = {"DEMO-5": 3, "DEMO-15": 1}
"""Products of which two customers soon want the last one."""


def load_demo_stock() -> int:
    """Give stock to those demo products that never had any; returns how many. Sells nothing.

    A second call changes nothing: what has been sold since stays sold.
    """
    unknown = Product.objects.filter(sku__startswith="DEMO-", stock=None)
    skus = list(unknown.values_list("sku", flat=True))
    for sku in skus:
        services.set_stock(sku=sku, on_hand=SCARCE.get(sku, ON_HAND))
    return len(skus)
