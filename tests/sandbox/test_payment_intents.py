"""The life of a payment intent, through stripe's own client."""

from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.payments import charged, held, intent


def test_charged_at_once(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(charged())
    assert payment.status == "succeeded"
    assert (payment.amount, payment.amount_received, payment.currency) == (1999, 1999, "eur")
    assert payment.metadata["order"] == "7"
    assert payment.latest_charge.startswith("ch_")
    assert control.log("payments") == [{"order": "7", "amount": 1999, "status": "succeeded"}]


def test_held_then_captured(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(held())
    assert (payment.status, payment.amount_capturable) == ("requires_capture", 1999)
    assert control.log("payments")[0]["status"] == "requires_capture"
    payment = stripe_v1.payment_intents.capture(payment.id)
    assert (payment.status, payment.amount_received) == ("succeeded", 1999)
    assert control.log("payments") == [{"order": "7", "amount": 1999, "status": "succeeded"}]


def test_captured_in_part(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(held())
    payment = stripe_v1.payment_intents.capture(payment.id, {"amount_to_capture": 500})
    assert (payment.amount_received, payment.amount_capturable) == (500, 0)
    assert control.log("payments")[0]["amount"] == 500


def test_held_then_released(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(held())
    payment = stripe_v1.payment_intents.cancel(payment.id, {"cancellation_reason": "abandoned"})
    assert (payment.status, payment.cancellation_reason) == ("canceled", "abandoned")
    assert payment.amount_capturable == 0
    assert control.log("payments")[0]["status"] == "canceled"


def test_step_by_step(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(intent())
    assert payment.status == "requires_payment_method"
    payment = stripe_v1.payment_intents.update(payment.id, {"payment_method": "pm_card_visa"})
    assert payment.status == "requires_confirmation"
    assert control.log("payments") == []
    assert stripe_v1.payment_intents.confirm(payment.id).status == "succeeded"
    assert stripe_v1.payment_intents.retrieve(payment.id).status == "succeeded"


def test_metadata_is_merged(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(intent(order="7"))
    changes = {"metadata": {"attempt": "2", "order": ""}}
    assert stripe_v1.payment_intents.update(payment.id, changes).metadata.to_dict() == {
        "attempt": "2"
    }


def test_a_customer_who_must_act_first(stripe_v1: Any, control: Control):
    payment = stripe_v1.payment_intents.create(charged("7", "pm_card_authenticationRequired"))
    assert payment.status == "requires_action"
    assert control.log("payments") == []


def test_a_declined_intent_exists_and_can_be_paid_otherwise(stripe_v1: Any, control: Control):
    import stripe

    with pytest.raises(stripe.CardError) as refusal:
        stripe_v1.payment_intents.create(charged("7", "pm_card_chargeDeclined"))
    declined = refusal.value.error.payment_intent
    assert declined.status == "requires_payment_method"
    assert control.log("payments") == []
    paid = stripe_v1.payment_intents.confirm(declined.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
    assert len(control.log("payments")) == 1


def test_lists_are_newest_first_and_walked_by_cursor(stripe_v1: Any):
    ids = [stripe_v1.payment_intents.create(intent(str(n))).id for n in range(5)]
    found = stripe_v1.payment_intents.list({"limit": 2})
    assert [payment.id for payment in found.data] == ids[:2:-1]
    assert found.has_more
    assert [payment.id for payment in found.auto_paging_iter()] == ids[::-1]


def test_lists_go_backwards_too(stripe_v1: Any):
    ids = [stripe_v1.payment_intents.create(intent(str(n))).id for n in range(4)]
    found = stripe_v1.payment_intents.list({"limit": 2, "ending_before": ids[0]})
    assert [payment.id for payment in found.data] == [ids[2], ids[1]]
    assert found.has_more


def test_lists_filter_by_customer_and_creation(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(intent(customer="cus_1"))
    stripe_v1.payment_intents.create(intent(customer="cus_2"))
    found = stripe_v1.payment_intents.list({"customer": "cus_1"})
    assert [other.id for other in found.data] == [payment.id]
    for bound in ({"gt": payment.created + 60}, {"lt": payment.created}):
        assert stripe_v1.payment_intents.list({"created": bound}).data == []
    assert len(stripe_v1.payment_intents.list({"created": {"gte": payment.created}}).data) == 2
