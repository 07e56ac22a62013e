"""Two people lower one price at the same moment: both steps count, or one is told."""

from decimal import Decimal

from django.db import transaction
from django.db.models import F

from pricing import services
from pricing.models import Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone

ATTEMPTS = 3
STEP = Decimal(10)


def setup() -> None:
    shop.stock("A")


def both_count() -> None:
    price = shop.price()
    assert price == 80, f"100 less 10 and less 10 again is {price:.0f}"


def one_is_told() -> None:
    price = shop.price()
    assert price == 90, f"one edit was to be refused, and the price is {price:.0f}"
    shop.assert_history_agrees()


def read_compute_save() -> None:
    product = Product.objects.get(sku="A")
    product.price -= STEP
    product.save(update_fields=["price"])


def let_the_database_compute() -> None:
    Product.objects.filter(sku="A").update(price=F("price") - STEP)


def hold_the_row() -> None:
    with transaction.atomic():
        product = Product.objects.locked().get(sku="A")
        product.price -= STEP
        product.save(update_fields=["price"])


def ask_for_the_version() -> None:
    for _ in range(ATTEMPTS):
        product = Product.objects.get(sku="A")
        unchanged = Product.objects.filter(pk=product.pk, version=product.version)
        if unchanged.update(price=product.price - STEP, version=product.version + 1):
            return


def edit_in_two_tabs() -> str:
    """Both editors opened the form before either saved: at revision 1."""
    try:
        services.edit_product(
            sku="A", based_on_revision=1, name="A", category="Books",
            price=Decimal(90), floor=Decimal(0), actor="race",
        )  # fmt: skip
    except services.EditConflict:
        return "told"
    return "saved"


SCENARIO = Scenario(
    claim="Two price edits: neither is lost",
    naive=(
        Form(
            "read, compute, save",
            Question((read_compute_save,) * 2, alone(both_count), setup),
            "what every tutorial writes",
        ),
    ),
    holds=(
        Form(
            "F()",
            Question(
                (let_the_database_compute, lambda: let_the_database_compute()),
                alone(both_count),
                setup,
            ),
            "the database computes from the row as it is",
        ),
        Form(
            "row lock",
            Question((hold_the_row,) * 2, alone(both_count), setup),
            "the second reads after the first has committed",
        ),
        Form(
            "version",
            Question((ask_for_the_version,) * 2, alone(both_count), setup),
            "the write asks whether the row is still the one that was read, and reads again",
        ),
        Form(
            "edit_product",
            Question((edit_in_two_tabs,) * 2, alone(one_is_told), setup, kills=1),
            "our service: the second editor gets the conflict page",
            ours=True,
        ),
        Form(
            "edit_product, three",
            Question((edit_in_two_tabs,) * 3, alone(one_is_told), setup),
            "the same for a third editor",
            ours=True,
        ),
    ),
    why="Both compute from 100. Whoever saves last writes 90 over the other's 90.",
    cure=(
        "Compute where the row is (F), or hold the row while computing, or write only if its "
        "version is the one that was read. Where a person computed, the last is the only one that "
        "can tell them."
    ),
)
