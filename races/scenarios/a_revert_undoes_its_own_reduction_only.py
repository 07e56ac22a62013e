"""A reduction is taken back in the moment in which another is applied: nothing else is undone."""

from decimal import Decimal

from django.db import transaction
from django.db.models import F

from pricing.models import PriceChange, Product
from races import shop
from races.explorer import Question
from races.scenario import Form, Scenario, alone

# There is no service that reverts a reduction; the few lines of one stand here. What it runs
# against is the service that applies them.


def setup() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")
    shop.apply(0)  # 100 → 90, which is to be taken back
    shop.scheduled(sku="A", if_price_changed="apply")


def check() -> None:
    price = shop.price()
    assert price in {81, 90}, f"the other reduction is applied, and the price is {price:.0f}"
    shop.assert_history_agrees()


def revert_to_the_old_price() -> None:
    """What the first reduction found is put back, whatever came since."""
    with transaction.atomic():
        change = _change()
        _append(change, version=change.product.version)
        Product.objects.filter(pk=change.product_id).update(
            price=change.old_price, version=F("version") + 1
        )


def revert_if_it_is_the_last_change() -> None:
    with transaction.atomic():
        change = _change()
        unchanged = Product.objects.filter(pk=change.product_id, version=change.version)
        if unchanged.update(price=change.old_price, version=F("version") + 1):
            _append(change, version=change.version)


def revert_under_the_lock() -> None:
    with transaction.atomic():
        product = Product.objects.locked().get(sku="A")
        change = _change()
        if product.version == change.version:
            Product.objects.filter(pk=product.pk).update(
                price=change.old_price, version=F("version") + 1
            )
            _append(change, version=change.version)


def _change() -> PriceChange:
    return PriceChange.objects.select_related("product").get(version=2)


def _append(change: PriceChange, *, version: int) -> None:
    PriceChange.objects.create(
        product_id=change.product_id, version=version + 1, old_price=change.new_price,
        new_price=change.old_price or Decimal(0), cause="edit", actor="race",
    )  # fmt: skip


def apply_the_other() -> None:
    shop.apply(1)


_SPARE = {
    "FOR NO KEY UPDATE OF pricing_pricereduction": "taken against a second delivery and against "
    "cancelling; here nobody else wants this reduction",
}

SCENARIO = Scenario(
    claim="A revert undoes its own reduction only",
    naive=(
        Form(
            "put the old price back",
            Question((revert_to_the_old_price, apply_the_other), alone(check), setup),
            "the old price is read from the history, and written over whatever is there",
        ),
    ),
    holds=(
        Form(
            "version",
            Question(
                (revert_if_it_is_the_last_change, apply_the_other), alone(check), setup, kills=1
            ),
            "a small revert, against our apply_reduction: it writes only where the reduction's "
            "change is still the last",
            constraints=[("pricing_pricechange", "price_change_once_per_version")],
            spare={
                **_SPARE,
                "constraint": "a last line: a price is written where its version is as it was",
            },
        ),
        Form(
            "row lock",
            Question((revert_under_the_lock, apply_the_other), alone(check), setup, kills=1),
            "the product is held before its last change is looked at",
            spare=_SPARE,
        ),
    ),
    why=(
        "“Back to the price before” undoes everything that came after, and the revert cannot see "
        "what comes between its look and its write."
    ),
    cure=(
        "A revert is a change like any other: it asks for the version that its reduction made, and "
        "where that is no longer the last it says so instead of writing."
    ),
    refuses="price_change_once_per_version",
    elsewhere=(
        "This project has no service that takes a reduction back. What the forms run against is "
        "its own, and explored in [a_reduction_never_overwrites_an_edit]"
        "(a_reduction_never_overwrites_an_edit.md)."
    ),
)
