"""Somebody cancels a reduction in the moment in which it is applied: one of the two happens."""

from decimal import Decimal

from django.db import transaction
from django.db.models import F

from pricing import services
from pricing.models import PriceReduction, Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone


def setup() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def check() -> None:
    status, price = PriceReduction.objects.get().status, shop.price()
    known = {("applied", Decimal(90)), ("cancelled", Decimal(100))}
    assert (status, price) in known, f"the reduction is {status} and the price is {price:.0f}"


def check_ours() -> None:
    check()
    shop.assert_history_agrees()


def apply_after_a_look() -> None:
    with transaction.atomic():
        if PriceReduction.objects.get().status == "scheduled":
            Product.objects.update(price=F("price") * 90 / 100)
            PriceReduction.objects.update(status="applied", reason="", finished_at=F("created_at"))


def cancel_after_a_look() -> None:
    with transaction.atomic():
        if PriceReduction.objects.get().status == "scheduled":
            PriceReduction.objects.update(
                status="cancelled", reason="no more", finished_at=F("created_at")
            )


def consume() -> None:
    shop.consume(0)


def apply() -> None:
    shop.apply()


def cancel() -> str:
    try:
        shop.cancel()
    except services.NotCancellable:
        return "too late, and told"
    return "cancelled"


SCENARIO = Scenario(
    claim="Cancelling and applying have one outcome",
    naive=(
        Form(
            "look, then do",
            Question((apply_after_a_look, cancel_after_a_look), alone(check), setup),
            "both see it scheduled",
        ),
    ),
    holds=(
        Form(
            "apply_reduction and cancel_reduction",
            Question((apply, cancel), alone(check_ours), setup, kills=1),
            "our services: both hold the reduction's row before they look",
            ours=True,
        ),
        Form(
            "the consumer and cancel_reduction",
            Question((consume, cancel), alone(check_ours), setup, kills=1),
            "our consumer holds the message, then the reduction; cancelling goes the other way "
            "round and skips a message that is held",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
    ),
    why="Both look, both see it scheduled, and both act: applied, and said to be cancelled.",
    cure="Whoever acts on the status holds the row before looking at it.",
)
