"""Stripe's idempotency keys: what is kept, what is replayed, what is refused, what is forgotten."""

import threading
from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.payments import charged, held, intent, key
from tests.sandbox.waiting import until


def test_the_same_key_gives_the_first_answer(stripe_v1: Any, control: Control):
    first = stripe_v1.payment_intents.create(charged(), key("k"))
    again = stripe_v1.payment_intents.create(charged(), key("k"))
    assert again.id == first.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(control.log("payments")) == 1


def test_the_answer_replayed_is_the_one_of_then(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(held(), key("k"))
    stripe_v1.payment_intents.capture(payment.id)
    assert stripe_v1.payment_intents.create(held(), key("k")).status == "requires_capture"


def test_other_parameters_under_a_key_are_an_error(stripe_v1: Any, control: Control):
    import stripe

    stripe_v1.payment_intents.create(charged(amount=1000), key("k"))
    with pytest.raises(stripe.IdempotencyError) as refusal:
        stripe_v1.payment_intents.create(charged(amount=2000), key("k"))
    assert refusal.value.http_status == 400
    assert [entry["amount"] for entry in control.log("payments")] == [1000]


def test_another_endpoint_under_a_key_is_an_error(stripe_v1: Any):
    import stripe

    payment = stripe_v1.payment_intents.create(held(), key("k"))
    with pytest.raises(stripe.IdempotencyError):
        stripe_v1.payment_intents.capture(payment.id, {}, key("k"))


def test_a_decline_is_replayed(stripe_v1: Any):
    import stripe

    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            stripe_v1.payment_intents.create(charged("7", "pm_card_chargeDeclined"), key("k"))
    assert refusal.value.headers["idempotent-replayed"] == "true"
    assert len(stripe_v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(("kind", "payments"), [("error_before", 0), ("error_after", 1)])
def test_a_500_is_replayed_though_the_fault_is_over(
    stripe_v1: Any, control: Control, kind: str, payments: int
):
    import stripe

    control.force("payments", kind)
    for _ in range(3):
        with pytest.raises(stripe.APIError) as failure:
            stripe_v1.payment_intents.create(charged(), key("k"))
        assert failure.value.http_status == 500
    assert len(control.log("payments")) == payments
    assert stripe_v1.payment_intents.create(charged(), key("other")).status == "succeeded"


def test_after_a_lost_reply_the_key_tells_what_happened(stripe_v1: Any, control: Control):
    import stripe

    control.force("payments", "reply_lost")
    with pytest.raises(stripe.APIConnectionError):
        stripe_v1.payment_intents.create(charged(), key("k"))
    assert stripe_v1.payment_intents.create(charged(), key("k")).status == "succeeded"
    assert len(control.log("payments")) == 1


@pytest.mark.parametrize("kind", ["rate_limited", "outage", "refused"])
def test_what_was_not_carried_out_keeps_nothing(stripe_v1: Any, control: Control, kind: str):
    import stripe

    control.force("payments", kind)
    with pytest.raises(stripe.StripeError):
        stripe_v1.payment_intents.create(charged(), key("k"))
    assert stripe_v1.payment_intents.create(charged(), key("k")).status == "succeeded"


def test_bad_parameters_keep_nothing(stripe_v1: Any):
    import stripe

    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.payment_intents.create(charged(amount=-1), key("k"))
    assert stripe_v1.payment_intents.create(charged(), key("k")).status == "succeeded"


def test_two_at_once_under_one_key(stripe_v1: Any, control: Control):
    import stripe

    control.force("payments", "slow", seconds=1, point=1)
    slow = threading.Thread(
        target=stripe_v1.payment_intents.create, args=(charged(), key("k")), daemon=True
    )
    slow.start()
    until(lambda: control.requests("payments"))
    with pytest.raises(stripe.APIError) as conflict:
        stripe_v1.payment_intents.create(charged(), key("k"))
    assert conflict.value.http_status == 409
    assert conflict.value.error.code == "idempotency_key_in_use"
    slow.join()
    assert stripe_v1.payment_intents.create(charged(), key("k")).status == "succeeded"
    assert len(control.log("payments")) == 1


def test_a_forgotten_key_charges_again(stripe_v1: Any, control: Control):
    stripe_v1.payment_intents.create(charged(), key("k"))
    control.turn("payments_key_seconds", 0)
    stripe_v1.payment_intents.create(charged(), key("k"))
    assert len(control.log("payments")) == 2
    control.turn("payments_key_seconds", 60)
    control.forget_idempotency_keys()
    stripe_v1.payment_intents.create(charged(), key("k"))
    assert len(control.log("payments")) == 3


def test_refunds_and_captures_have_keys_too(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(held())
    for _ in range(2):
        stripe_v1.payment_intents.capture(payment.id, {}, key("capture"))
    refunds = [
        stripe_v1.refunds.create({"payment_intent": payment.id, "amount": 5}, key("refund")).id
        for _ in range(2)
    ]
    assert refunds[0] == refunds[1]


def test_a_key_is_at_most_255_characters(stripe_v1: Any):
    import stripe

    assert stripe_v1.payment_intents.create(intent(), key("k" * 255))
    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.payment_intents.create(intent(), key("k" * 256))
