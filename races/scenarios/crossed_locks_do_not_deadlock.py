"""Two reductions share two products: they take turns, whichever product each names first."""

from collections.abc import Callable

from django.db import OperationalError, transaction
from django.db.models import F

from pricing.models import Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone

ATTEMPTS = 3


def setup() -> None:
    shop.stock("A", "B")
    shop.scheduled(category="Books", if_price_changed="apply")
    shop.scheduled(category="Books", if_price_changed="apply")


def check() -> None:
    prices = {sku: shop.price(sku) for sku in ("A", "B")}
    assert set(prices.values()) == {81}, f"10 % off twice made {prices}"


def reduces(*skus: str) -> Callable[[], None]:
    def reduce() -> None:
        with transaction.atomic():
            for sku in skus:
                Product.objects.filter(sku=sku).update(price=F("price") * 90 / 100)

    return reduce


def reduces_in_order(*skus: str) -> Callable[[], None]:
    def reduce() -> None:
        with transaction.atomic():
            held = Product.objects.filter(sku__in=skus).locked()
            Product.objects.filter(pk__in=[product.pk for product in held]).update(
                price=F("price") * 90 / 100
            )

    return reduce


def retried(reduce: Callable[[], None]) -> Callable[[], None]:
    """The whole transaction again, where PostgreSQL ended it to break a circle."""

    def until_done() -> None:
        for _ in range(ATTEMPTS):
            try:
                return reduce()
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != "40P01":
                    raise
        return None

    return until_done


def first() -> None:
    shop.apply(0)


def second() -> None:
    shop.apply(1)


SCENARIO = Scenario(
    claim="Crossed locks do not deadlock",
    naive=(
        Form(
            "each in its own order",
            Question((reduces("A", "B"), reduces("B", "A")), alone(check), setup),
            "A then B against B then A",
        ),
    ),
    holds=(
        Form(
            "primary-key order",
            Question((reduces_in_order("A", "B"), reduces_in_order("B", "A")), alone(check), setup),
            "all rows are held first, in one order that everybody keeps",
            spare={
                "FOR NO KEY UPDATE OF pricing_product": "one UPDATE meets these two rows in the "
                "order of its scan, which is the same for both here and is promised by nobody",
            },
        ),
        Form(
            "retried on 40P01",
            Question((retried(reduces("A", "B")), retried(reduces("B", "A"))), alone(check), setup),
            "each in its own order, and the one that is ended begins again: for what cannot be "
            "ordered",
        ),
        Form(
            "apply_reduction",
            Question((first, second), alone(check), setup, kills=1),
            "our service, twice over the same two products",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF pricing_pricereduction": "taken against a second delivery "
                "and against cancelling; here nobody else wants this reduction",
            },
        ),
    ),
    why=(
        "Each holds the row that the other wants next. PostgreSQL sees the circle after a second "
        "and ends one of them with an error (40P01): its work is undone."
    ),
    cure="Take all rows at once, in primary-key order; retry what PostgreSQL ends all the same.",
    refuses="PostgreSQL ends one of the two: deadlock detected (40P01).",
)
