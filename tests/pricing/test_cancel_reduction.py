"""Cancelling: reduction and message together, and once."""

from uuid import uuid4

import pytest
from django.db import transaction

import outbox
from outbox.models import Message
from pricing import services
from pricing.models import PriceReduction
from pricing.selectors import count_outcomes
from pricing.services import NotCancellable
from pricing.services import apply as apply_module
from tests.pricing.shop import apply, make_category, make_product, price_of, schedule, work_off

pytestmark = pytest.mark.django_db


def cancel(reduction: PriceReduction, actor: str = "operator") -> PriceReduction:
    return services.cancel_reduction(reduction_id=reduction.pk, actor=actor)


def test_it_ends_the_reduction_and_its_message() -> None:
    make_product()
    cancelled = cancel(schedule())
    assert (cancelled.status, cancelled.reason) == ("cancelled", "cancelled by operator")
    assert Message.objects.get().state == "cancelled"
    services.apply_reduction(reduction_id=str(cancelled.pk))
    assert price_of() == "10.00"


def test_a_second_call_returns_the_first_ones_result() -> None:
    make_product()
    reduction = schedule()
    first = cancel(reduction)
    second = cancel(reduction, actor="somebody else")
    assert second.reason == "cancelled by operator"
    assert second.finished_at == first.finished_at


def test_what_has_ended_cannot_be_cancelled() -> None:
    make_product()
    reduction = apply(schedule())
    with pytest.raises(NotCancellable, match="is applied already") as caught:
        cancel(reduction)
    assert caught.value.reduction.status == "applied"


def test_an_unknown_reduction_is_an_error() -> None:
    with pytest.raises(PriceReduction.DoesNotExist):
        services.cancel_reduction(reduction_id=uuid4(), actor="operator")


def test_in_mid_run_what_was_applied_stays_and_the_rest_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apply_module, "CHUNK", 2)
    make_category(5)
    reduction = schedule(sku=None, category="Books")
    services.apply_reduction(reduction_id=str(reduction.pk))
    cancel(reduction)
    assert Message.objects.get(pk=cancel(reduction).message_id).state == "cancelled"
    outcomes = count_outcomes(reduction)
    assert (outcomes.applied, outcomes.pending) == (2, 3)


def test_cancelling_the_message_cancels_the_reduction() -> None:
    make_product()
    reduction = schedule()
    assert reduction.message_id is not None
    with transaction.atomic():
        assert outbox.cancel(reduction.message_id, reason="by an operator of the outbox")
    reduction.refresh_from_db()
    assert (reduction.status, reduction.reason) == ("cancelled", "by an operator of the outbox")


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_reduction_is_final_even_if_its_message_is_redriven() -> None:
    make_product()
    reduction = cancel(schedule())
    assert reduction.message_id is not None
    outbox.redrive(reduction.message_id, actor="operator")
    work_off()
    reduction.refresh_from_db()
    assert (reduction.status, price_of()) == ("cancelled", "10.00")
