"""What meets a reduction while it is applied: another one, an editor, an import, a cancellation.

Where the order decides, the test holds one side at a lock until PostgreSQL says that the other
waits for it.
"""

from functools import partial
from itertools import pairwise

import pytest
from django.db import OperationalError, connection, transaction

from outbox.models import Message
from pricing import services
from pricing.models import PriceChange, PriceReduction, Product
from pricing.selectors import count_outcomes
from pricing.services import EditConflict, NotCancellable
from pricing.services import apply as apply_module
from tests.pricing.shop import (
    apply,
    edit,
    line,
    make_category,
    make_product,
    price_of,
    schedule,
    work_off,
)
from tests.pricing.threads import at_once, behind

pytestmark = pytest.mark.django_db(transaction=True)


def run(reduction: PriceReduction) -> None:
    services.apply_reduction(reduction_id=str(reduction.pk))


def cancel(reduction: PriceReduction) -> PriceReduction:
    return services.cancel_reduction(reduction_id=reduction.pk, actor="operator")


def statuses() -> list[str]:
    return sorted(PriceReduction.objects.values_list("status", flat=True))


def assert_history_is_whole() -> None:
    for product in Product.objects.all():
        changes = list(product.price_changes.order_by("version"))
        assert [change.version for change in changes] == list(range(1, product.version + 1))
        assert changes[-1].new_price == product.price
        assert all(later.old_price == earlier.new_price for earlier, later in pairwise(changes))


def test_the_same_reduction_delivered_many_times_at_once_is_applied_once() -> None:
    make_product()
    reduction = schedule()
    assert at_once(*[partial(run, reduction)] * 6) == [None] * 6
    assert price_of() == "9.00"
    assert PriceChange.objects.filter(cause="reduction").count() == 1


def test_many_consumers_apply_each_message_once() -> None:
    make_product()
    for _ in range(10):
        schedule(if_price_changed="apply", percent=None, amount="0.50")
    at_once(*[work_off] * 4)
    work_off()
    assert statuses() == ["applied"] * 10
    assert price_of() == "5.00"
    assert_history_is_whole()


def test_two_reductions_of_the_same_version_take_turns_and_the_second_is_skipped() -> None:
    make_product()
    at_once(*[partial(run, reduction) for reduction in (schedule(), schedule())])
    assert statuses() == ["applied", "skipped"]
    assert price_of() == "9.00"


def test_a_second_reduction_waits_for_the_first_and_then_reads_anew() -> None:
    make_product()
    first, second = schedule(), schedule(if_price_changed="apply")
    assert behind(partial(run, first), partial(run, second)) is None
    assert statuses() == ["applied", "applied"]
    assert price_of() == "8.10"


def test_overlapping_categories_cannot_lock_each_other_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 7)
    make_category(40)
    for _ in range(4):
        schedule(sku=None, category="Books", if_price_changed="apply")
    tallies = at_once(*[work_off] * 4)
    assert sum(tally.failed for tally in tallies) == 0
    work_off()
    assert statuses() == ["applied"] * 4
    assert set(Product.objects.values_list("version", flat=True)) == {5}
    assert_history_is_whole()


def test_a_reduction_behind_an_edit_is_skipped() -> None:
    make_product()
    reduction = schedule()
    behind(lambda: edit(price="12.00"), partial(run, reduction))
    assert statuses() == ["skipped"]
    assert price_of() == "12.00"
    assert_history_is_whole()


def test_an_edit_behind_a_reduction_is_a_conflict() -> None:
    make_product()
    reduction = schedule()
    answer = behind(partial(run, reduction), lambda: edit(price="12.00", revision=1))
    assert isinstance(answer, EditConflict)
    assert str(answer.current.price) == "9.00"
    assert price_of() == "9.00"


def test_one_of_two_editors_at_once_meets_the_conflict() -> None:
    make_product()
    answer = behind(lambda: edit(price="11.00"), lambda: edit(price="12.00", revision=1))
    assert isinstance(answer, EditConflict)
    assert price_of() == "11.00"
    assert_history_is_whole()


def load(*prices: tuple[str, str]) -> services.Imported:
    lines = [line(sku, price, number=number) for number, (sku, price) in enumerate(prices, 2)]
    return services.import_products(lines, actor="importer")


def test_a_reduction_behind_an_import_is_skipped() -> None:
    make_product()
    reduction = schedule()
    behind(lambda: load(("BOOK", "12.00")), partial(run, reduction))
    assert statuses() == ["skipped"]
    assert price_of() == "12.00"


def test_an_import_behind_a_reduction_records_the_price_that_it_found() -> None:
    make_product()
    reduction = schedule()
    answer = behind(partial(run, reduction), lambda: load(("BOOK", "9.00")))
    assert answer.unchanged == 1  # the price is 9.00 by then: there is nothing to change
    assert_history_is_whole()


def test_an_import_behind_another_one_of_the_same_new_product() -> None:
    answer = behind(lambda: load(("NEW", "5.00")), lambda: load(("NEW", "6.00")))
    assert (answer.created, answer.repriced) == (0, 1)
    assert price_of("NEW") == "6.00"
    assert_history_is_whole()


def test_imports_in_opposite_order_beside_a_category_cannot_lock_each_other_up() -> None:
    make_category(30)
    skus = [f"Books-{number}" for number in range(30)]
    for _ in range(3):
        schedule(sku=None, category="Books", if_price_changed="apply")
    answers = at_once(
        work_off,
        work_off,
        lambda: load(*[(sku, "20.00") for sku in [*skus, "NEW-1", "NEW-2"]]),
        lambda: load(*[(sku, "30.00") for sku in ["NEW-2", "NEW-1", *reversed(skus)]]),
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sum(answer.failed for answer in answers[:2]) == 0
    assert_history_is_whole()


def test_a_cancellation_behind_the_last_chunk_comes_too_late() -> None:
    make_product()
    reduction = schedule()
    answer = behind(partial(run, reduction), partial(cancel, reduction))
    assert isinstance(answer, NotCancellable)
    assert (statuses(), price_of()) == (["applied"], "9.00")


def test_a_run_behind_a_cancellation_applies_nothing() -> None:
    make_product()
    reduction = schedule()
    assert behind(partial(cancel, reduction), partial(run, reduction)) is None
    assert (statuses(), price_of()) == (["cancelled"], "10.00")


def test_a_cancellation_behind_one_of_several_chunks_stops_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 2)
    make_category(5)
    reduction = schedule(sku=None, category="Books")
    cancelled = behind(partial(run, reduction), partial(cancel, reduction))
    assert cancelled.status == "cancelled"
    assert Message.objects.get(pk=cancelled.message_id).state == "cancelled"
    work_off()
    assert count_outcomes(reduction).applied == 2


def test_cancelling_at_once_with_a_consumer_has_one_outcome() -> None:
    make_product()
    reduction = schedule()
    tally, answer = at_once(work_off, partial(cancel, reduction))
    assert tally.failed == 0
    reduction.refresh_from_db()
    if isinstance(answer, NotCancellable):
        assert (reduction.status, price_of()) == ("applied", "9.00")
    else:
        assert (reduction.status, price_of()) == ("cancelled", "10.00")


def test_a_product_inserted_in_mid_run_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 2)
    make_category(3)
    reduction = schedule(sku=None, category="Books")
    at_once(partial(run, reduction), lambda: make_product("NEW", category="Books"))
    apply(reduction)
    assert price_of("NEW") == "10.00"
    assert count_outcomes(reduction).applied == 3


def test_products_are_locked_in_primary_key_order_by_everybody() -> None:
    """Else two of them could wait for each other: whoever waits for the middle one holds the first.

    The last one is still free then, whatever order a file or a plan has.
    """
    make_category(3)
    first, middle, last = Product.objects.order_by("pk")
    reduction = schedule(sku=None, category="Books")

    def hold_middle() -> None:
        Product.objects.locked().get(pk=middle.pk)

    def look() -> None:
        free = Product.objects.select_for_update(skip_locked=True, no_key=True)
        assert set(free.filter(pk__in=[first.pk, last.pk])) == {last}

    changed = [(product.sku, "12.00") for product in (last, middle, first)]
    assert behind(hold_middle, partial(run, reduction), look) is None
    assert behind(hold_middle, lambda: load(*changed), look).repriced == 3


def test_new_products_are_inserted_in_the_order_of_their_skus() -> None:
    """Else two imports that bring the same ones could wait for each other."""
    lines = [(sku, "5.00") for sku in ("NEW-3", "NEW-2", "NEW-1")]

    def look() -> None:
        assert (is_free("NEW-1"), is_free("NEW-3")) == (False, True)

    answer = behind(lambda: load(("NEW-2", "5.00")), lambda: load(*lines), look)
    assert (answer.created, answer.unchanged) == (2, 1)


def is_free(sku: str) -> bool:
    """Whether nobody is about to insert a product of that SKU."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            Product.objects.create(sku=sku, name=sku, category="Books", price=1)
            transaction.set_rollback(True)
    except OperationalError:
        return False
    return True
