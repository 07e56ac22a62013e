"""Two reductions meet in one product: both are applied, neither from a stale price."""

from decimal import Decimal

from django.db import transaction

from pricing.models import Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone


def setup() -> None:
    shop.stock("A")
    shop.scheduled(sku="A", if_price_changed="apply")
    shop.scheduled(sku="A", if_price_changed="apply")


def check() -> None:
    price = shop.price()
    assert price == 81, f"10 % off, and 10 % off the rest, made {price:.2f}"


def check_ours() -> None:
    check()
    shop.assert_history_agrees()


def compute_in_python() -> None:
    with transaction.atomic():
        product = Product.objects.get(sku="A")
        product.price = product.price * Decimal("0.90")
        product.save(update_fields=["price"])


def compute_under_the_lock() -> None:
    with transaction.atomic():
        product = Product.objects.locked().get(sku="A")
        product.price = product.price * Decimal("0.90")
        product.save(update_fields=["price"])


def first() -> None:
    shop.apply(0)


def second() -> None:
    shop.apply(1)


SCENARIO = Scenario(
    claim="Overlapping reductions both count",
    naive=(
        Form(
            "compute in Python",
            Question((compute_in_python,) * 2, alone(check), setup),
            "in a transaction, without a lock",
        ),
    ),
    holds=(
        Form(
            "compute under the lock",
            Question((compute_under_the_lock,) * 2, alone(check), setup),
            "the row is held before it is read",
        ),
        Form(
            "apply_reduction",
            Question((first, second), alone(check_ours), setup, kills=1),
            "our service: the reduction's row, then its products in primary-key order",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF pricing_pricereduction": "taken against a second delivery "
                "and against cancelling; here nobody else wants this reduction",
            },
        ),
    ),
    why="Each computes 90 from 100, and the second 90 is written over the first.",
    cure="Hold the product before reading its price; several products in primary-key order.",
)
