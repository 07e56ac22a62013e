"""A person sets a price while a reduction of the old one is applied: the person's price stands."""

from decimal import Decimal

from django.db import transaction

from pricing import services
from pricing.models import PriceReduction, Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone

EDITED = Decimal(50)


def setup() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def check() -> None:
    price = shop.price()
    assert price == EDITED, f"somebody set the price to 50, and it is {price:.0f}"


def check_ours() -> None:
    """Either the edit came first and the reduction says why it did nothing, or it was told."""
    shop.assert_history_agrees()
    reduction = PriceReduction.objects.get()
    outcome = (shop.price(), reduction.status)
    assert outcome in {(EDITED, "skipped"), (Decimal(90), "applied")}, f"ended as {outcome}"


def edit_blindly() -> None:
    Product.objects.filter(sku="A").update(price=EDITED)


def apply_what_was_read() -> None:
    """Based on a price of 100; the same number again would pass for it (the ABA problem)."""
    with transaction.atomic():
        product = Product.objects.get(sku="A")
        if product.price == 100:
            product.price = product.price * Decimal("0.90")
            product.save(update_fields=["price"])


def edit_with_version() -> None:
    for _ in range(3):
        product = Product.objects.get(sku="A")
        unchanged = Product.objects.filter(pk=product.pk, version=product.version)
        if unchanged.update(price=EDITED, version=product.version + 1):
            return


def apply_to_the_version() -> None:
    unchanged = Product.objects.filter(sku="A", version=1)
    unchanged.update(price=Decimal(90), version=2)


def edit() -> None:
    try:
        services.edit_product(
            sku="A", based_on_revision=1, name="A", category="Books",
            price=EDITED, floor=Decimal(0), actor="race",
        )  # fmt: skip
    except services.EditConflict:
        return  # told: the page shows both prices


def apply() -> None:
    shop.apply()


SCENARIO = Scenario(
    claim="A reduction never overwrites an edit",
    naive=(
        Form(
            "has the price changed?",
            Question((apply_what_was_read, edit_blindly), alone(check), setup),
            "asked before the edit, acted on after it",
        ),
    ),
    holds=(
        Form(
            "version",
            Question((apply_to_the_version, edit_with_version), alone(check), setup, kills=1),
            "both write only to the version that they know",
            spare={
                "pricing_product.version = ": "the edit's own question: without it the edit "
                "overwrites a reduction, which is another claim",
            },
        ),
        Form(
            "apply_reduction and edit_product",
            Question((apply, edit), alone(check_ours), setup, kills=1),
            "our services: the reduction is based on a version, the edit on a revision",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF pricing_pricereduction": "taken against a second delivery "
                "and against cancelling; here nobody else wants this reduction",
            },
        ),
    ),
    why="The reduction reads 100, the person writes 50, and the reduction writes 90 over it.",
    cure=(
        "A version that counts every change; each write asks for the one that it is based on. "
        "The price itself will not do: 100, 50 and back to 100 looks unchanged."
    ),
)
