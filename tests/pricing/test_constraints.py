"""What PostgreSQL itself refuses, whoever goes around the services."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Model
from django.db.models.functions import Now

from pricing.ledger import NewPrice, StalePrice, record_reduced_prices
from pricing.models import PriceChange, Product, ReductionTarget
from pricing.services import apply as apply_module
from tests.pricing.shop import apply, make_product, schedule

pytestmark = pytest.mark.django_db


def refused(constraint: str, make: Any, *args: Any, **kwargs: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make(*args, **kwargs)


def update(row: Model, **columns: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**columns)


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("product_price_never_below_floor", {"price": Decimal("-0.01")}),
        ("product_floor_never_negative", {"floor": Decimal("-0.01")}),
        ("product_price_never_below_floor", {"floor": Decimal("10.01")}),
        ("product_price_never_below_floor", {"price": Decimal("4.99"), "floor": 5}),
        ("product_once_per_sku", {"sku": "PEN"}),
        ("version_check", {"version": -1}),
    ],
)
def test_a_product(constraint: str, columns: dict[str, Any]) -> None:
    product = make_product()
    make_product("PEN")
    refused(constraint, update, product, **columns)


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("reduction_is_of_one_product_or_one_category", {"category": "Books"}),
        ("reduction_is_of_one_product_or_one_category", {"product": None}),
        ("reduction_is_by_percent_or_by_amount", {"amount": 1}),
        ("reduction_is_by_percent_or_by_amount", {"percent": None}),
        ("reduction_is_by_percent_or_by_amount", {"percent": 0}),
        ("reduction_is_by_percent_or_by_amount", {"percent": Decimal("100.01")}),
        ("reduction_is_by_percent_or_by_amount", {"percent": None, "amount": 0}),
        ("reduction_policy_is_known", {"if_price_changed": "ask"}),
        (
            "reduction_expires_after_its_start",
            {
                "starts_at": datetime(2030, 1, 2, tzinfo=UTC),
                "expires_at": datetime(2030, 1, 2, tzinfo=UTC),
            },
        ),
        ("reduction_says_why_it_was_not_applied", {"reason": "because"}),
        ("reduction_says_why_it_was_not_applied", {"status": "skipped", "finished_at": Now()}),
        ("reduction_says_why_it_was_not_applied", {"status": "lost", "finished_at": Now()}),
        ("reduction_has_finish_time_when_finished", {"status": "applied"}),
        ("reduction_has_finish_time_when_finished", {"finished_at": Now()}),
    ],
)
def test_a_reduction(constraint: str, columns: dict[str, Any]) -> None:
    make_product()
    refused(constraint, update, schedule(), **columns)


def test_an_operation_is_one_reduction() -> None:
    make_product()
    first, second = schedule(), schedule()
    refused("reduction_once_per_operation", update, second, operation_id=first.operation_id)


@pytest.mark.parametrize(
    "columns",
    [
        {"outcome": "skipped"},
        {"outcome": "applied", "reason": "because"},
        {"reason": "because"},
        {"outcome": "lost"},
    ],
)
def test_a_target_says_why_it_was_skipped(columns: dict[str, Any]) -> None:
    make_product()
    target = schedule().targets.get()
    refused("target_says_why_it_was_skipped", update, target, **columns)


def test_a_product_is_once_in_a_reduction() -> None:
    product = make_product()
    refused(
        "target_once_per_reduction_and_product",
        ReductionTarget.objects.create,
        reduction=schedule(),
        product=product,
        based_on_version=1,
    )


def change(product: Product, **columns: Any) -> None:
    PriceChange.objects.create(
        **{
            "product": product,
            "version": 99,
            "old_price": 10,
            "new_price": 9,
            "cause": "edit",
            "actor": "test",
            **columns,
        }
    )


def test_a_reduction_changes_a_product_once() -> None:
    product = make_product()
    reduction = apply(schedule())
    refused(
        "price_change_once_per_reduction",
        change,
        product,
        cause="reduction",
        reduction=reduction,
    )


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("price_change_once_per_version", {"version": 1}),
        ("price_change_changes_the_price", {"new_price": 10}),
        ("price_change_never_negative", {"new_price": -1}),
        ("price_change_names_its_reduction", {"cause": "reduction"}),
        ("price_change_names_its_reduction", {"cause": "whim"}),
    ],
)
def test_a_change(constraint: str, columns: dict[str, Any]) -> None:
    refused(constraint, change, make_product(), **columns)


def test_an_edit_names_no_reduction() -> None:
    product = make_product()
    refused("price_change_names_its_reduction", change, product, reduction=schedule())


def test_history_cannot_be_rewritten() -> None:
    make_product()
    changes = PriceChange.objects.all()
    refused("append-only: UPDATE refused", changes.update, new_price=F("new_price") + 1)
    refused("append-only: DELETE refused", changes._raw_delete, changes.db)


def test_a_write_from_an_old_reading_is_refused() -> None:
    product = make_product()
    reduction = schedule()
    stale = NewPrice(product_id=product.pk, version=0, old=product.price, new=product.price - 1)
    with pytest.raises(StalePrice, match="1 of 1"), transaction.atomic():
        record_reduced_prices([stale], reduction_id=reduction.pk, actor="test")
    assert Product.objects.get().version == 1


def test_deciding_a_target_twice_is_refused() -> None:
    make_product()
    reduction = apply(schedule())
    target = reduction.targets.get()
    with pytest.raises(RuntimeError, match="decided twice"), transaction.atomic():
        apply_module._record_outcomes(reduction, [target])
