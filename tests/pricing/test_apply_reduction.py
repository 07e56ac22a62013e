"""Applying: each product decided once, chunk by chunk, and the records agree."""

from datetime import UTC, datetime, timedelta

import pytest

import outbox
from outbox.models import Message
from pricing import services
from pricing.models import PriceChange, PriceReduction, Product
from pricing.selectors import count_outcomes
from pricing.services import apply as apply_module
from tests.pricing.shop import (
    apply,
    edit,
    make_category,
    make_product,
    price_of,
    schedule,
    work_off,
)

pytestmark = pytest.mark.django_db
with_commits = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 2)


def test_it_changes_the_price_and_appends_the_change() -> None:
    make_product()
    reduction = apply(schedule())
    product = Product.objects.get()
    assert (str(product.price), product.version, product.revision) == ("9.00", 2, 2)
    assert (reduction.status, reduction.reason) == ("applied", "")
    assert reduction.finished_at is not None

    change = PriceChange.objects.get(cause="reduction")
    assert (change.product, change.reduction, change.version) == (product, reduction, 2)
    assert (str(change.old_price), str(change.new_price)) == ("10.00", "9.00")
    assert change.actor == "test"


def test_a_second_run_changes_nothing() -> None:
    make_product()
    reduction = apply(schedule())
    services.apply_reduction(reduction_id=str(reduction.pk))
    assert price_of() == "9.00"


def test_a_changed_price_is_skipped_and_says_so() -> None:
    make_product()
    reduction = schedule()
    edit(price="12.00")
    edit(price="10.00")  # back to the old amount, under another version
    assert apply(reduction).status == "skipped"
    assert reduction.reason == "price changed since it was scheduled (version 1, now 3)"
    assert price_of() == "10.00"


def test_a_changed_price_is_reduced_where_that_was_asked_for() -> None:
    make_product()
    reduction = schedule(if_price_changed="apply")
    edit(price="20.00")
    assert apply(reduction).status == "applied"
    assert price_of() == "18.00"


def test_the_floor_holds() -> None:
    make_product(floor="9.50")
    reduction = apply(schedule())
    assert (reduction.status, reduction.reason) == (
        "skipped",
        "would fall below the floor of 9.50",
    )
    assert price_of() == "10.00"


def test_an_amount_that_has_come_to_be_above_the_price_is_skipped() -> None:
    make_product()
    reduction = schedule(percent=None, amount="6.00", if_price_changed="apply")
    edit(price="5.00")
    assert apply(reduction).reason == "amount 6.00 is above the price of 5.00"


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.usefixtures("chunks_of_two")
def test_a_category_goes_chunk_by_chunk_each_enqueued_by_the_one_before(count: int) -> None:
    make_category(count)
    reduction = schedule(sku=None, category="Books")
    first = reduction.message_id
    services.apply_reduction(reduction_id=str(reduction.pk))
    assert PriceChange.objects.filter(cause="reduction").count() == 2
    reduction.refresh_from_db()
    chain = Message.objects.filter(operation_id=reduction.operation_id)
    assert {message.pk for message in chain} == {first, reduction.message_id}
    assert first != reduction.message_id

    assert apply(reduction).status == "applied"
    assert count_outcomes(reduction).applied == count
    assert set(Product.objects.values_list("price", flat=True)) == {9}


@pytest.mark.usefixtures("chunks_of_two")
def test_products_that_come_or_leave_in_mid_run_make_no_difference() -> None:
    make_category(4)
    reduction = schedule(sku=None, category="Books")
    services.apply_reduction(reduction_id=str(reduction.pk))
    make_product("NEW", category="Books")
    edit("Books-3", category="Elsewhere")
    apply(reduction)
    assert (price_of("NEW"), price_of("Books-3")) == ("10.00", "9.00")


def test_a_category_counts_its_products_by_outcome() -> None:
    make_category(3)
    reduction = schedule(sku=None, category="Books")
    edit("Books-0", price="11.00")
    apply(reduction)
    outcomes = count_outcomes(reduction)
    assert reduction.status == "applied"
    assert (outcomes.pending, outcomes.applied, outcomes.skipped, outcomes.total) == (0, 2, 1, 3)


def test_a_category_of_which_nothing_was_applied_is_skipped() -> None:
    make_category(3)
    reduction = schedule(sku=None, category="Books")
    for number in range(3):
        edit(f"Books-{number}", price="11.00")
    assert apply(reduction).status == "skipped"
    assert reduction.reason == (
        "all 3 products were skipped, the first because: "
        "price changed since it was scheduled (version 1, now 2)"
    )


@with_commits
def test_a_worker_that_comes_after_the_expiry_applies_nothing() -> None:
    make_product()
    reduction = schedule(expires_at=datetime.now(UTC) + timedelta(hours=1))
    Message.objects.update(expires_at=datetime.now(UTC))
    assert work_off().late == 1
    reduction.refresh_from_db()
    assert (reduction.status, price_of()) == ("expired", "10.00")
    assert "expired" in reduction.reason


@with_commits
def test_an_expired_reduction_runs_after_all_if_a_person_redrives_it() -> None:
    make_product()
    reduction = schedule(expires_at=datetime.now(UTC) + timedelta(hours=1))
    Message.objects.update(expires_at=datetime.now(UTC))
    work_off()
    assert reduction.message_id is not None
    outbox.redrive(reduction.message_id, actor="operator")
    work_off()
    reduction.refresh_from_db()
    assert (reduction.status, reduction.reason, price_of()) == ("applied", "", "9.00")


def schedule_category_that_expires() -> PriceReduction:
    """Of five products, in an hour."""
    make_category(5)
    return schedule(sku=None, category="Books", expires_at=datetime.now(UTC) + timedelta(hours=1))


@with_commits
@pytest.mark.usefixtures("chunks_of_two")
def test_an_expired_category_that_a_person_redrives_runs_to_its_end() -> None:
    reduction = schedule_category_that_expires()
    for rows in (Message.objects, PriceReduction.objects):
        rows.update(expires_at=datetime.now(UTC))
    assert work_off().late == 1
    reduction.refresh_from_db()
    assert (reduction.status, count_outcomes(reduction).pending) == ("expired", 5)
    outbox.redrive(reduction.message_id, actor="operator")
    work_off()
    reduction.refresh_from_db()
    assert (reduction.status, count_outcomes(reduction).applied) == ("applied", 5)


@with_commits
@pytest.mark.usefixtures("chunks_of_two")
def test_a_category_that_expires_in_mid_run_says_how_far_it_came() -> None:
    reduction = schedule_category_that_expires()
    services.apply_reduction(reduction_id=str(reduction.pk))
    reduction.refresh_from_db()
    assert Message.objects.get(pk=reduction.message_id).expires_at == reduction.expires_at
    Message.objects.exclude(pk=reduction.message_id).delete()
    Message.objects.update(expires_at=datetime.now(UTC))
    work_off()
    reduction.refresh_from_db()
    outcomes = count_outcomes(reduction)
    assert (reduction.status, outcomes.applied, outcomes.pending) == ("expired", 2, 3)
    assert reduction.reason.endswith("2 of 5 products had been decided by then.")


@with_commits
def test_a_dead_letter_is_a_failed_reduction_and_goes_on_when_redriven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_product()
    reduction = schedule()
    with monkeypatch.context() as broken:
        broken.setattr(apply_module, "_apply_chunk", raise_fatal)
        work_off()
    reduction.refresh_from_db()
    assert (reduction.status, price_of()) == ("failed", "10.00")
    assert "no such luck" in reduction.reason

    assert reduction.message_id is not None
    outbox.redrive(reduction.message_id, actor="operator")
    work_off()
    reduction.refresh_from_db()
    assert (reduction.status, reduction.reason, price_of()) == ("applied", "", "9.00")


def raise_fatal(*_: object) -> None:
    raise outbox.Fatal("no such luck")


@with_commits
def test_a_failure_in_the_middle_of_a_chunk_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_product()
    reduction = schedule()
    with monkeypatch.context() as broken:
        broken.setattr(apply_module, "_finish", raise_fatal)
        work_off()
    assert price_of() == "10.00"
    assert not PriceChange.objects.filter(cause="reduction").exists()
    assert not reduction.targets.exclude(outcome=None).exists()


@with_commits
@pytest.mark.usefixtures("chunks_of_two")
def test_one_dispatch_works_off_a_whole_category() -> None:
    make_category(7)
    reduction = schedule(sku=None, category="Books")
    assert work_off().done == 4
    reduction.refresh_from_db()
    assert reduction.status == PriceReduction.Status.APPLIED


def test_the_end_of_another_message_does_not_reopen_an_ended_reduction() -> None:
    make_product()
    reduction = apply(schedule())
    services.abandon_reduction({"reduction_id": str(reduction.pk)}, "dead", "too late")
    reduction.refresh_from_db()
    assert reduction.status == "applied"
