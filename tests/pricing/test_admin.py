"""The admin shows the tables of pricing and changes nothing in them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.pricing.shop import apply, make_product, schedule

pytestmark = pytest.mark.django_db
MODELS = ["product", "pricereduction", "reductiontarget", "pricechange"]


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("model", MODELS)
def test_it_lists_and_searches(root: Client, model: str) -> None:
    make_product()
    apply(schedule())
    address = reverse(f"admin:pricing_{model}_changelist")
    assert root.get(address).status_code == 200
    assert root.get(address, {"q": "BOOK"}).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added(root: Client, model: str) -> None:
    assert root.get(reverse(f"admin:pricing_{model}_add")).status_code == 403


def test_nothing_can_be_changed_or_deleted(root: Client) -> None:
    product = make_product()
    change = reverse("admin:pricing_product_change", args=[product.pk])
    assert root.get(change).status_code == 200
    assert root.post(change, {"price": "0"}).status_code == 403
    assert root.post(reverse("admin:pricing_product_delete", args=[product.pk])).status_code == 403
