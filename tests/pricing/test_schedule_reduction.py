"""Scheduling: once per operation, based on what is there, and nothing on refusal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outbox.models import Message
from pricing.inputs import InvalidInput
from pricing.models import PriceReduction, ReductionTarget
from pricing.services import KeyReused
from tests.pricing.shop import apply, edit, make_category, make_product, price_of, schedule

pytestmark = pytest.mark.django_db

SOON = datetime.now(UTC) + timedelta(hours=1)
LATER = SOON + timedelta(hours=1)
PAST = datetime.now(UTC) - timedelta(minutes=1)


def test_a_reduction_is_its_rows_and_one_message() -> None:
    product = make_product()
    reduction = schedule(starts_at=SOON, expires_at=LATER)
    reduction.refresh_from_db()
    assert reduction.status == "scheduled"
    assert (reduction.starts_at, reduction.expires_at) == (SOON, LATER)

    target = ReductionTarget.objects.get()
    assert (target.product, target.based_on_version, target.outcome) == (product, 1, None)

    message = Message.objects.get()
    assert message.pk == reduction.message_id
    assert message.operation_id == reduction.operation_id
    assert message.args == {"reduction_id": str(reduction.pk)}
    assert (message.due_at, message.expires_at) == (SOON, LATER)
    assert price_of() == "10.00"


def test_a_category_is_noted_product_by_product() -> None:
    make_category(3)
    make_product("PEN", category="Stationery")
    reduction = schedule(sku=None, category="Books")
    make_product("LATE", category="Books")
    assert reduction.targets.count() == 3
    apply(reduction)
    assert price_of("LATE") == "10.00"


def test_a_key_names_one_reduction() -> None:
    make_product()
    first = schedule(key="spring sale")
    assert schedule(key="spring sale") == first
    assert schedule(key="summer sale") != first
    assert schedule() != schedule()
    assert Message.objects.count() == PriceReduction.objects.count() == 4


def test_a_key_still_names_its_reduction_when_its_time_has_passed() -> None:
    make_product()
    asked: dict[str, Any] = {"percent": None, "amount": "6.00", "starts_at": SOON, "key": "sale"}
    first = schedule(**asked)
    PriceReduction.objects.filter(pk=first.pk).update(created_at=PAST)
    apply(first)
    assert price_of() == "4.00"
    assert schedule(**asked) == first  # although 6.00 would be above the price by now


@pytest.mark.parametrize(
    "other",
    [
        {"percent": "11"},
        {"percent": None, "amount": "1"},
        {"sku": "PEN"},
        {"sku": None, "category": "Books"},
        {"starts_at": SOON},
        {"expires_at": LATER},
        {"if_price_changed": "apply"},
    ],
)
def test_a_key_with_other_arguments_is_an_error(other: dict[str, Any]) -> None:
    make_product()
    make_product("PEN")
    schedule(key="sale")
    with pytest.raises(KeyReused, match="Use a new key"):
        schedule(key="sale", **other)
    assert PriceReduction.objects.count() == Message.objects.count() == 1


def test_the_same_arguments_written_otherwise_are_the_same() -> None:
    make_product()
    first = schedule(percent="10.0", starts_at=SOON, key="sale")
    elsewhere = SOON.isoformat().replace("+00:00", "Z")
    assert schedule(percent="10.00", starts_at=elsewhere, key="sale") == first


@pytest.mark.parametrize(
    ("arguments", "field", "advice"),
    [
        ({"sku": "NONE"}, "sku", 'no product has "NONE"'),
        ({"sku": None, "category": "None"}, "category", 'no product is in "None"'),
        ({"percent": "0"}, "percent", "above 0"),
        ({"percent": None, "amount": "10.01"}, "amount", "10.01 is above the price of 10.00"),
        (
            {"sku": None, "category": "Books", "percent": None, "amount": "10.01"},
            "amount",
            "above the price",
        ),
        ({"starts_at": PAST}, "starts_at", "is past"),
        ({"expires_at": PAST}, "expires_at", "is past"),
        ({"starts_at": LATER, "expires_at": SOON}, "expires_at", "not after starts_at"),
        ({"key": "a\nb"}, "key", "line breaks"),
        ({"key": ""}, "key", "is empty"),
    ],
)
def test_a_refusal_says_what_to_do_and_changes_nothing(
    arguments: dict[str, Any], field: str, advice: str
) -> None:
    make_product()
    with pytest.raises(InvalidInput) as caught:
        schedule(**arguments)
    assert advice in caught.value.errors[field]
    assert not PriceReduction.objects.exists()
    assert not ReductionTarget.objects.exists()
    assert not Message.objects.exists()


def test_a_refused_key_is_free_again() -> None:
    make_product()
    with pytest.raises(InvalidInput):
        schedule(percent=None, amount="11.00", key="sale")
    assert schedule(percent=None, amount="1.00", key="sale").status == "scheduled"


def test_a_category_accepts_an_amount_that_some_of_its_products_allow() -> None:
    make_product("CHEAP", "1.00")
    make_product("DEAR", "10.00")
    reduction = apply(schedule(sku=None, category="Books", percent=None, amount="2.00"))
    assert reduction.status == "applied"
    assert (price_of("CHEAP"), price_of("DEAR")) == ("1.00", "8.00")


def test_it_is_based_on_the_version_and_not_on_the_name() -> None:
    make_product()
    reduction = schedule()
    edit(name="A better name")
    assert apply(reduction).status == "applied"
