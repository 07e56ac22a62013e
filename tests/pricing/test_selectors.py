"""The reads of pricing."""

import pytest

from pricing import selectors
from pricing.models import Product
from pricing.services import apply as apply_module
from tests.pricing.shop import apply, edit, make_category, make_product, schedule, work_off

pytestmark = pytest.mark.django_db


def test_categories_are_counted() -> None:
    make_category(2, "Books")
    make_product("PEN", category="Stationery")
    assert selectors.list_categories() == [("Books", 2), ("Stationery", 1)]


def test_the_price_history_ends_with_the_price() -> None:
    product = make_product()
    apply(schedule())
    edit(price="12.00")
    history = selectors.price_history(product)
    assert [(str(one.new_price), one.cause) for one in history] == [
        ("10.00", "import"),
        ("9.00", "reduction"),
        ("12.00", "edit"),
    ]
    assert [one.version for one in selectors.price_history(product, latest=2)] == [2, 3]


def test_a_product_knows_its_reductions_alone_or_in_its_category() -> None:
    product = make_product()
    alone = schedule()
    together = schedule(sku=None, category="Books")
    found = [target.reduction for target in selectors.reductions_of(product)]
    assert set(found) == {alone, together}


def test_reductions_are_listed_by_status() -> None:
    make_product()
    applied = apply(schedule())
    waiting = schedule()
    assert set(selectors.list_reductions()) == {applied, waiting}
    assert list(selectors.list_reductions(status="scheduled")) == [waiting]


def test_targets_are_listed_by_outcome() -> None:
    make_category(3)
    reduction = schedule(sku=None, category="Books")
    assert selectors.list_targets(reduction, outcome="pending").count() == 3
    edit("Books-1", price="11.00")
    apply(reduction)
    (skipped,) = selectors.list_targets(reduction, outcome="skipped")
    assert skipped.product.sku == "Books-1"
    assert selectors.list_targets(reduction).count() == 3


def test_a_sku_that_cannot_be_is_not_found() -> None:
    with pytest.raises(Product.DoesNotExist):
        selectors.find_product("\x00")


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_reduction_is_its_messages() -> None:
    make_product()
    reduction = schedule()
    work_off()
    kinds = [event.kind for event in selectors.reduction_story(reduction)]
    assert (kinds[0], kinds[-1]) == ("scheduled", "done")


@pytest.mark.django_db(transaction=True)
def test_the_story_of_a_category_begins_with_its_first_message_and_ends_with_its_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 2)
    make_category(5)
    reduction = schedule(sku=None, category="Books")
    work_off()
    reduction.refresh_from_db()
    told = selectors.reduction_story(reduction)
    assert [event.kind for event in told] == ["scheduled", "claimed", "done"]
    assert told[0].at < min(event.at for event in told[1:])
    assert told == sorted(told, key=lambda event: event.at)
