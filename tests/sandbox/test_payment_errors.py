"""Which class stripe's client raises for what: the table that callers classify by."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.control import Control
from tests.sandbox.clients import stripe_client
from tests.sandbox.payments import charged, held, intent
from tests.sandbox.process import SandboxProcess

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
]


@pytest.mark.parametrize(("payment_method", "code", "decline_code"), DECLINES)
def test_declined_cards(
    stripe_v1: Any, control: Control, payment_method: str, code: str, decline_code: str
):
    import stripe

    with pytest.raises(stripe.CardError) as refusal:
        stripe_v1.payment_intents.create(held("7", payment_method))
    assert (refusal.value.http_status, refusal.value.code) == (402, code)
    assert refusal.value.error.decline_code == decline_code
    assert control.log("payments") == []


def test_off_session_authentication_is_a_decline(stripe_v1: Any):
    import stripe

    params = charged("7", "pm_card_authenticationRequired", off_session=True)
    with pytest.raises(stripe.CardError) as refusal:
        stripe_v1.payment_intents.create(params)
    assert refusal.value.code == "authentication_required"


INVALID = [
    ({"amount": 0}, "parameter_invalid_integer"),
    ({"amount": -5}, "parameter_invalid_integer"),
    ({"amount": "19.99"}, "parameter_invalid_integer"),
    ({"amount": "1e3"}, "parameter_invalid_integer"),
    ({"amount": 49}, "amount_too_small"),
    ({"amount": 10**9}, "amount_too_large"),
    ({"currency": "euro"}, None),
    ({"capture_method": "later"}, None),
    ({"payment_method": "pm_card_unknown"}, "resource_missing"),
    ({"payment_method": "4242424242424242"}, None),
    ({"payment_method": "4242 4242 4242 4242"}, None),
    ({"payment_method_data": {"type": "card", "card": {"number": "4242424242424242"}}}, None),
]


@pytest.mark.parametrize(("wrong", "code"), INVALID)
def test_invalid_requests(
    stripe_v1: Any, control: Control, wrong: dict[str, Any], code: str | None
):
    import stripe

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stripe_v1.payment_intents.create(charged() | wrong)
    assert (refusal.value.http_status, refusal.value.code) == (400, code)
    assert "4242" not in str(refusal.value.json_body)
    assert stripe_v1.payment_intents.list().data == []


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_missing_parameters(stripe_v1: Any, name: str):
    import stripe

    params = {field: value for field, value in intent().items() if field != name}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stripe_v1.payment_intents.create(params)
    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", name)


def test_unknown_intent(stripe_v1: Any):
    import stripe

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stripe_v1.payment_intents.capture("pi_unknown")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


WRONG_STATE: list[Callable[[Any, str], Any]] = [
    lambda v1, payment: v1.payment_intents.cancel(payment),
    lambda v1, payment: v1.payment_intents.capture(payment),
    lambda v1, payment: v1.payment_intents.confirm(payment),
]


@pytest.mark.parametrize("act", WRONG_STATE, ids=["cancel", "capture", "confirm"])
def test_what_has_succeeded_cannot_be_changed(stripe_v1: Any, act: Callable[[Any, str], Any]):
    import stripe

    payment = stripe_v1.payment_intents.create(charged())
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        act(stripe_v1, payment.id)
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert refusal.value.error.payment_intent.status == "succeeded"


def test_capturing_more_than_is_held(stripe_v1: Any):
    import stripe

    payment = stripe_v1.payment_intents.create(held())
    with pytest.raises(stripe.InvalidRequestError):
        stripe_v1.payment_intents.capture(payment.id, {"amount_to_capture": 2000})


def test_a_wrong_key(sandbox: SandboxProcess):
    import stripe

    with pytest.raises(stripe.AuthenticationError):
        stripe_client(sandbox, key="sk_test_wrong").payment_intents.create(charged())


FAULTS = [
    ("rate_limited", "RateLimitError", 429),
    ("error_before", "APIError", 500),
    ("error_after", "APIError", 500),
    ("refused", "InvalidRequestError", 400),
    ("reply_lost", "APIConnectionError", None),
    ("outage", "APIConnectionError", None),
]


@pytest.mark.parametrize(("kind", "name", "status"), FAULTS)
def test_faults(stripe_v1: Any, control: Control, kind: str, name: str, status: int | None):
    import stripe

    control.force("payments", kind)
    with pytest.raises(stripe.StripeError) as failure:
        stripe_v1.payment_intents.create(charged())
    assert type(failure.value) is getattr(stripe, name)
    assert failure.value.http_status == status


def test_a_time_out(sandbox: SandboxProcess, control: Control):
    import stripe

    control.force("payments", "slow", seconds=0.5, point=0)
    with pytest.raises(stripe.APIConnectionError):
        stripe_client(sandbox, timeout=0.2).payment_intents.create(charged())
