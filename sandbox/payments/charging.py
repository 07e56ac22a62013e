"""Charging an intent: taken, held, waiting for the customer, or declined."""

from dataclasses import asdict

from sandbox.payments import cards, errors, forms, objects, webhooks
from sandbox.web import Call, Response


def charge(call: Call, intent: objects.Object) -> Response:
    """Charge the intent's payment method; keeps the outcome, tells it by event, and answers it."""
    off_session = forms.flag(call.request.form, "off_session")
    decline = cards.decline(intent["payment_method"], off_session=off_session)
    if decline:
        return _decline(call, intent, decline)
    if cards.needs_authentication(intent["payment_method"]):
        return _ask_customer(call, intent)
    intent |= {"latest_charge": objects.new_id("ch"), "last_payment_error": None}
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        return _keep(call, intent, "payment_intent.amount_capturable_updated")
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    return _keep(call, intent, "payment_intent.succeeded")


def _decline(call: Call, intent: objects.Object, decline: cards.Decline) -> Response:
    charge_id = objects.new_id("ch")
    error = {"type": "card_error", "charge": charge_id, **asdict(decline)}
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": charge_id,
        "last_payment_error": error,
    }
    _keep(call, intent, "payment_intent.payment_failed")
    # A reply and no exception: the declined intent is kept, and so is the answer under its key.
    return errors.reply(
        402,
        "card_error",
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        charge=charge_id,
        payment_intent=intent,
    )


def _ask_customer(call: Call, intent: objects.Object) -> Response:
    intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
    return _keep(call, intent, "payment_intent.requires_action")


def _keep(call: Call, intent: objects.Object, event: str) -> Response:
    objects.save(call.db, intent)
    webhooks.record(call, event, intent)
    return Response(200, intent)
