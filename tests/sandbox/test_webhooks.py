"""Webhooks: which events come, and that stripe's own construct_event accepts their signature."""

from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.payments import charged, held, intent, key
from tests.sandbox.process import SandboxProcess
from tests.sandbox.receiver import Received, Receiver
from tests.sandbox.waiting import until


@pytest.fixture
def listening(control: Control, receiver: Receiver) -> Receiver:
    control.turn("payments_webhook_url", receiver.url + "/webhooks/stripe")
    return receiver


def opened(sandbox: SandboxProcess, received: list[Received]) -> list[Any]:
    import stripe

    secret = sandbox.credentials.stripe_webhook_secret
    return [
        stripe.Webhook.construct_event(
            callback.body, callback.headers["Stripe-Signature"], secret, tolerance=5
        )
        for callback in received
    ]


def test_the_life_of_a_payment_is_told(
    sandbox: SandboxProcess, stripe_v1: Any, listening: Receiver
):
    payment = stripe_v1.payment_intents.create(held(), key("our-key"))
    listening.wait_for(2)
    stripe_v1.payment_intents.capture(payment.id)
    listening.wait_for(3)
    refund = stripe_v1.refunds.create({"payment_intent": payment.id})
    events = opened(sandbox, listening.wait_for(4))
    assert [event.type for event in events] == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "refund.created",
    ]
    assert [event.data.object.id for event in events] == [payment.id] * 3 + [refund.id]
    assert events[0].data.object.status == "requires_confirmation"  # as it was then
    assert events[0].request.idempotency_key == "our-key"
    assert len({event.id for event in events}) == 4


@pytest.mark.parametrize(
    ("payment_method", "told"),
    [
        ("pm_card_chargeDeclined", "payment_intent.payment_failed"),
        ("pm_card_authenticationRequired", "payment_intent.requires_action"),
    ],
)
def test_what_goes_wrong_is_told(
    sandbox: SandboxProcess, stripe_v1: Any, listening: Receiver, payment_method: str, told: str
):
    import contextlib

    import stripe

    with contextlib.suppress(stripe.CardError):
        stripe_v1.payment_intents.create(charged("7", payment_method))
    types = {event.type for event in opened(sandbox, listening.wait_for(2))}
    assert types == {"payment_intent.created", told}


def test_a_cancellation_is_told(sandbox: SandboxProcess, stripe_v1: Any, listening: Receiver):
    stripe_v1.payment_intents.cancel(stripe_v1.payment_intents.create(held()).id)
    types = {event.type for event in opened(sandbox, listening.wait_for(3))}
    assert "payment_intent.canceled" in types


def test_a_forged_webhook_is_recognised(
    sandbox: SandboxProcess, stripe_v1: Any, listening: Receiver
):
    import stripe

    stripe_v1.payment_intents.create(intent())
    (callback,) = listening.wait_for(1)
    forged = Received(callback.path, callback.headers, callback.body.replace(b"1999", b"1"))
    with pytest.raises(stripe.SignatureVerificationError):
        opened(sandbox, [forged])


def test_duplicates_carry_one_event_id(
    sandbox: SandboxProcess, stripe_v1: Any, control: Control, listening: Receiver
):
    control.force("payments", "callback_duplicate")
    stripe_v1.payment_intents.create(intent())
    events = opened(sandbox, listening.wait_for(2))
    assert events[0].id == events[1].id


def test_reordered(sandbox: SandboxProcess, stripe_v1: Any, control: Control, listening: Receiver):
    control.force("payments", "callback_reordered")
    stripe_v1.payment_intents.create(charged())
    events = opened(sandbox, listening.wait_for(2))
    assert [event.type for event in events] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]


def test_a_single_event_is_overtaken_by_later_ones(
    sandbox: SandboxProcess, stripe_v1: Any, control: Control, listening: Receiver
):
    payment = stripe_v1.payment_intents.create(held())
    listening.wait_for(2)
    control.force("payments", "callback_reordered")
    stripe_v1.payment_intents.capture(payment.id)
    stripe_v1.refunds.create({"payment_intent": payment.id})
    events = opened(sandbox, listening.wait_for(4))
    told = [event.type for event in events]
    assert told.index("refund.created") < told.index("payment_intent.succeeded")


def test_it_insists_until_it_is_answered_with_2xx(
    stripe_v1: Any, control: Control, listening: Receiver
):
    listening.statuses = [503]
    stripe_v1.payment_intents.create(intent())
    first, second = listening.wait_for(2)
    assert first.body == second.body
    until(lambda: control.callbacks_waiting("payments") == 0)


def test_a_replayed_answer_has_no_second_event(
    stripe_v1: Any, control: Control, listening: Receiver
):
    for _ in range(2):
        stripe_v1.payment_intents.create(intent(), key("k"))
    listening.wait_for(1)
    assert len(stripe_v1.events.list().data) == 1
    assert control.callbacks_waiting("payments") <= 1


def test_missed_events_can_be_looked_up(stripe_v1: Any):
    payment = stripe_v1.payment_intents.create(charged())
    found = stripe_v1.events.list({"type": "payment_intent.succeeded"}).data
    assert [event.data.object.id for event in found] == [payment.id]
    assert stripe_v1.events.retrieve(found[0].id).type == "payment_intent.succeeded"
