"""The demo shop: there once, and left alone from then on."""

import pytest

from pricing.demo import load_demo_products
from pricing.models import PriceChange, Product
from tests.pricing.shop import apply, schedule

pytestmark = pytest.mark.django_db


def test_it_is_a_shop_of_several_categories_with_a_price_history() -> None:
    count = load_demo_products()
    products = Product.objects.all()
    assert count == products.count() >= 30
    assert all(product.sku.startswith("DEMO-") for product in products)
    assert len({product.category for product in products}) >= 5
    assert Product.objects.get(sku="DEMO-1").price_changes.count() == 5
    assert products.exclude(floor=0).count() == 3


def test_a_second_call_leaves_alone_what_was_done_since() -> None:
    load_demo_products()
    apply(schedule("DEMO-3"))
    before = list(Product.objects.values())
    changes = PriceChange.objects.count()
    assert load_demo_products() == 0
    assert list(Product.objects.values()) == before
    assert PriceChange.objects.count() == changes
