"""Importing: all lines or none, and every price on record."""

from collections.abc import Iterable

import pytest

from intake.csv_lines import ImportRefused, RefusedLine
from pricing import services
from pricing.csv_lines import ProductLine
from pricing.models import PriceChange, Product
from pricing.services import Imported
from tests.pricing.shop import apply, edit, line, make_product, price_of, schedule

pytestmark = pytest.mark.django_db


def load(lines: Iterable[ProductLine | RefusedLine], *, skip_invalid: bool = False) -> Imported:
    return services.import_products(lines, actor="importer", skip_invalid=skip_invalid)


def test_new_products_begin_with_a_change_on_record() -> None:
    done = load([line("B-1", "9.99"), line("B-2", "0.00", number=3)])
    assert done == Imported(created=2, repriced=0, updated=0, unchanged=0)
    product = Product.objects.get(sku="B-1")
    assert (str(product.price), str(product.floor), product.version) == ("9.99", "0.00", 1)
    change = PriceChange.objects.get(product=product)
    assert (change.old_price, str(change.new_price)) == (None, "9.99")
    assert (change.version, change.cause, change.actor) == (1, "import", "importer")


def test_the_same_file_again_changes_nothing() -> None:
    lines = [line("B-1"), line("B-2", number=3)]
    load(lines)
    before = list(Product.objects.values())
    assert load(lines) == Imported(created=0, repriced=0, updated=0, unchanged=2)
    assert list(Product.objects.values()) == before
    assert PriceChange.objects.count() == 2


def test_another_price_is_a_change_on_record() -> None:
    make_product(price="10.00")
    assert load([line("BOOK", "12.00")]).repriced == 1
    product = Product.objects.get()
    assert (str(product.price), product.version, product.revision) == ("12.00", 2, 2)
    change = PriceChange.objects.get(version=2)
    assert (str(change.old_price), str(change.new_price)) == ("10.00", "12.00")


def test_another_name_is_an_update_without_a_change_of_price() -> None:
    make_product()
    done = load([line("BOOK", name="Better", category="Other")])
    assert done == Imported(created=0, repriced=0, updated=1, unchanged=0)
    product = Product.objects.get()
    assert (product.name, product.category, product.version, product.revision) == (
        "Better",
        "Other",
        1,
        2,
    )


def test_one_refused_line_keeps_all_others_out() -> None:
    bad = RefusedLine(3, "is not UTF-8; save the file as UTF-8.")
    with pytest.raises(ImportRefused, match="nothing was") as caught:
        load([line("B-1"), bad, line("B-2", number=4)])
    assert caught.value.refused == [bad]
    assert not Product.objects.exists()


def test_refused_lines_can_be_skipped_and_are_named() -> None:
    bad = RefusedLine(3, "is not UTF-8; save the file as UTF-8.")
    done = load([line("B-1"), bad, line("B-2", number=4)], skip_invalid=True)
    assert (done.created, done.refused) == (2, [bad])


def test_a_sku_that_comes_twice_is_refused_from_the_second_time_on() -> None:
    lines = [line("B-1", "1.00"), line("B-1", "2.00", number=3), line("B-1", "1.00", number=4)]
    with pytest.raises(ImportRefused) as caught:
        load(lines)
    assert caught.value.refused == [
        RefusedLine(3, 'sku: "B-1" was on line 2 already; keep one of them.'),
        RefusedLine(4, 'sku: "B-1" was on line 2 already; keep one of them.'),
    ]
    assert load(lines, skip_invalid=True).created == 1
    assert price_of("B-1") == "1.00"


def test_a_price_below_the_floor_is_refused() -> None:
    make_product(floor="5.00")
    with pytest.raises(ImportRefused) as caught:
        load([line("BOOK", "4.99"), line("B-2", number=3)])
    (refused,) = caught.value.refused
    assert refused.reason == "price: 4.99 is below the product's floor of 5.00; raise it."
    done = load([line("BOOK", "4.99"), line("B-2", number=3)], skip_invalid=True)
    assert (done.created, done.repriced, done.unchanged, len(done.refused)) == (1, 0, 0, 1)
    assert price_of() == "10.00"


def test_refusals_come_in_the_order_of_their_lines() -> None:
    make_product(floor="5.00")
    lines = [
        line("BOOK", "1.00", number=2),
        line("B-1", number=3),
        line("B-1", number=4),
        RefusedLine(5, "is not UTF-8; save the file as UTF-8."),
    ]
    assert [one.line for one in load(lines, skip_invalid=True).refused] == [2, 4, 5]


def test_an_imported_price_counts_as_a_changed_one() -> None:
    make_product()
    reduction = schedule()
    load([line("BOOK", "12.00")])
    assert apply(reduction).reason == "price changed since it was scheduled (version 1, now 2)"


def test_an_import_does_not_disturb_the_floor() -> None:
    make_product()
    edit(floor="3.00")
    load([line("BOOK", "12.00")])
    assert str(Product.objects.get().floor) == "3.00"


def test_nothing_is_imported_from_nothing() -> None:
    assert load([]) == Imported(created=0, repriced=0, updated=0, unchanged=0)


def test_thousands_of_lines_take_a_handful_of_statements(
    django_assert_max_num_queries: object,
) -> None:
    lines = [line(f"B-{number}", number=number) for number in range(2_000)]
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert load(lines).created == 2_000
