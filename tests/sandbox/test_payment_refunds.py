"""Refunds, through stripe's own client."""

from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.payments import charged, held


def test_a_full_refund(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(charged())
    refund = stripe_v1.refunds.create(
        {"payment_intent": payment.id, "metadata": {"order": "7"}, "reason": "duplicate"}
    )
    assert (refund.status, refund.amount, refund.charge) == (
        *("succeeded", 1999),
        payment.latest_charge,
    )
    assert control.log("payments") == [{"order": "7", "amount": 1999, "status": "refunded"}]
    assert stripe_v1.refunds.retrieve(refund.id).metadata["order"] == "7"


def test_refunds_never_exceed_what_was_taken(stripe_v1: Any, control: Control):
    import stripe

    payment = stripe_v1.payment_intents.create(charged())
    stripe_v1.refunds.create({"payment_intent": payment.id, "amount": 1500})
    assert control.log("payments")[0]["status"] == "partially_refunded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        stripe_v1.refunds.create({"payment_intent": payment.id, "amount": 500})
    stripe_v1.refunds.create({"payment_intent": payment.id})
    assert control.log("payments")[0]["status"] == "refunded"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stripe_v1.refunds.create({"payment_intent": payment.id})
    assert refusal.value.code == "charge_already_refunded"


def test_what_was_only_held_cannot_be_refunded(stripe_v1: Any):
    import stripe

    payment = stripe_v1.payment_intents.create(held())
    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.refunds.create({"payment_intent": payment.id})


def test_refund_by_charge(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(charged())
    refund = stripe_v1.refunds.create({"charge": payment.latest_charge})
    assert refund.payment_intent == payment.id


@pytest.mark.parametrize("params", [{}, {"payment_intent": "pi_unknown"}, {"charge": "ch_unknown"}])
def test_a_refund_of_nothing(stripe_v1: Any, params: dict[str, str]):
    import stripe

    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.refunds.create(params)


def test_refunds_are_listed_by_payment(stripe_v1: Any):
    payments = [stripe_v1.payment_intents.create(charged()) for _ in range(2)]
    refunds = [stripe_v1.refunds.create({"payment_intent": payment.id}) for payment in payments]
    found = stripe_v1.refunds.list({"payment_intent": payments[0].id})
    assert [refund.id for refund in found.data] == [refunds[0].id]
    assert len(stripe_v1.refunds.list().data) == 2


def test_a_refund_that_fails_gives_nothing_back(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(charged("7", "pm_card_refundFail"))
    assert stripe_v1.refunds.create({"payment_intent": payment.id}).status == "failed"
    assert control.log("payments")[0]["status"] == "succeeded"
