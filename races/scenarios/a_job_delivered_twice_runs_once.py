"""One price reduction, delivered twice by the broker: the price falls once."""

from django.db import transaction
from django.db.models import F

from pricing.models import PriceReduction, Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone


def setup() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def check() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, scheduled once, made {price:.0f}"


def check_ours() -> None:
    check()
    shop.assert_history_agrees()
    (reduction,) = shop.reductions()
    assert reduction.status == "applied", f"the reduction is {reduction.status}"


def atomic_arithmetic() -> None:
    Product.objects.filter(sku="A").update(price=F("price") * 90 / 100)


def look_then_do() -> None:
    with transaction.atomic():
        if PriceReduction.objects.get().status == "scheduled":
            Product.objects.filter(sku="A").update(price=F("price") * 90 / 100)
            PriceReduction.objects.update(status="applied", finished_at=F("created_at"))


def claim_by_conditional_update() -> None:
    with transaction.atomic():
        claimed = PriceReduction.objects.filter(status="scheduled").update(
            status="applied", finished_at=F("created_at")
        )
        if claimed:
            Product.objects.filter(sku="A").update(price=F("price") * 90 / 100)


def apply() -> None:
    shop.apply()


def deliver() -> None:
    shop.consume(0)


SCENARIO = Scenario(
    claim="A job that is delivered twice runs once",
    naive=(
        Form(
            "F()",
            Question((atomic_arithmetic,) * 2, alone(check), setup),
            "no update is lost, and one too many is made",
        ),
        Form(
            "look, then do",
            Question((look_then_do,) * 2, alone(check), setup),
            "both look before either has committed",
        ),
    ),
    holds=(
        Form(
            "claim by conditional update",
            Question((claim_by_conditional_update,) * 2, alone(check), setup, kills=1),
            "the row says who may; its count is the answer",
        ),
        Form(
            "apply_reduction",
            Question((apply,) * 2, alone(check_ours), setup, kills=1),
            "our service, called twice",
            ours=True,
            spare={
                **shop.REDUCTION_HELD,
                "constraint": "a last line: it outlives the reduction's status and every message",
            },
            constraints=[
                ("pricing_pricechange", "price_change_once_per_reduction"),
                ("pricing_pricechange", "price_change_once_per_version"),
            ],
        ),
        Form(
            "the consumer",
            Question((deliver,) * 2, alone(check_ours), setup, kills=1),
            "our consumer, given the same dispatch twice: it claims the row and marks it done",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
    ),
    why=(
        "A broker delivers at least once. F() loses no update, and applies the second delivery as "
        "faithfully as the first. A look at the status helps only who looks while holding it."
    ),
    cure=(
        "Claim and effect in one transaction: the claim is a conditional update, or a row lock "
        "taken before the look."
    ),
)
