"""One key, one order: a repeated request gets it whatever has changed, a different one does not."""

from typing import Any

import pytest

from orders.models import Order
from orders.services import KeyReused
from pricing.models import Product
from tests.orders.shop import place, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent")]


@pytest.mark.parametrize("price", ["12.00", "0.01", "999999.00"])
def test_a_repeated_request_gets_its_order_whatever_it_costs_by_now(price: str) -> None:
    stocked()
    order = place(key="mine", expected_total="20.00")
    Product.objects.update(price=price)
    assert place(key="mine", expected_total="20.00") == order
    assert Order.objects.get().total == 20


@pytest.mark.parametrize(
    "other",
    [{"quantity": 3}, {"payment_method": "pm_card_mastercard"}, {"email": "b@x.org"}, {}],
    ids=["quantity", "card", "e-mail address", "no e-mail address"],
)
def test_a_different_request_under_one_key_is_refused(other: dict[str, Any]) -> None:
    stocked()
    order = place(key="mine", email="a@x.org")
    with pytest.raises(KeyReused, match=str(order.pk)):
        place(key="mine", **({"email": "a@x.org"} | other if other else {}))
    assert Order.objects.get().email == "a@x.org"
