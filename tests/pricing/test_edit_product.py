"""Editing: two editors never overwrite each other silently, and every price is on record."""

from typing import Any

import pytest

from pricing.inputs import InvalidInput
from pricing.models import PriceChange, Product
from pricing.services import EditConflict
from tests.pricing.shop import apply, edit, make_product, schedule

pytestmark = pytest.mark.django_db


def test_a_new_price_is_a_change_on_record() -> None:
    make_product()
    product = edit(price="12.50")
    assert (str(product.price), product.version, product.revision) == ("12.50", 2, 2)
    change = PriceChange.objects.get(cause="edit")
    assert (str(change.old_price), str(change.new_price)) == ("10.00", "12.50")
    assert (change.version, change.actor) == (2, "editor")


def test_another_name_is_no_change_of_price() -> None:
    make_product()
    product = edit(name="Better", category="Other", floor="1.00")
    assert (product.name, product.category, str(product.floor)) == ("Better", "Other", "1.00")
    assert (product.version, product.revision) == (1, 2)
    assert not PriceChange.objects.filter(cause="edit").exists()


def test_nothing_new_writes_nothing() -> None:
    before = make_product()
    assert edit().revision == before.revision


def test_the_same_edit_again_changes_nothing() -> None:
    make_product()
    first = edit(price="11.00", revision=1)
    assert edit(price="11.00", revision=1).revision == first.revision


def test_price_and_floor_can_move_together() -> None:
    make_product(price="10.00", floor="8.00")
    assert str(edit(price="5.00", floor="4.00").price) == "5.00"
    assert str(edit(price="20.00", floor="15.00").floor) == "15.00"


def test_the_second_of_two_editors_is_shown_both_values() -> None:
    make_product()
    edit(price="11.00", revision=1)
    with pytest.raises(EditConflict) as caught:
        edit(price="12.00", revision=1)
    assert str(caught.value.current.price) == "11.00"
    assert str(caught.value.submitted.price) == "12.00"
    assert str(Product.objects.get().price) == "11.00"


def test_two_editors_of_different_fields_meet_as_well() -> None:
    make_product()
    edit(name="Better", revision=1)
    with pytest.raises(EditConflict):
        edit(category="Other", revision=1)


def test_an_editor_meets_a_reduction() -> None:
    make_product()
    apply(schedule())
    with pytest.raises(EditConflict):
        edit(price="12.00", revision=1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "1.234"}, "price"),
        ({"price": "-1.00"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": ""}, "price"),
        ({"price": "4.99", "floor": "5.00"}, "price"),
        ({"floor": "1e1"}, "floor"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"category": "x" * 101}, "category"),
    ],
)
def test_bad_input_changes_nothing(changes: dict[str, Any], field: str) -> None:
    make_product()
    with pytest.raises(InvalidInput) as caught:
        edit(**changes)
    assert field in caught.value.errors
    assert Product.objects.get().revision == 1


def test_an_unknown_product_is_an_error() -> None:
    with pytest.raises(Product.DoesNotExist):
        edit("NONE")
