"""Payment intents: create, confirm, capture, cancel (docs.stripe.com/api/payment_intents)."""

from typing import Any

from sandbox.payments import cards, charging, errors, forms, objects, webhooks
from sandbox.web import Call, Response

CANCELLABLE = {
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
}
CONFIRMABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}


def create(call: Call) -> Response:
    """A new intent; with `confirm`, charged at once. A declined one exists all the same."""
    form = call.request.form
    if any(name.startswith("payment_method_data[card]") for name in form):
        raise errors.refuse("Card numbers are not accepted here. Use a payment method.")
    intent = _new(call, form)
    objects.insert(call.db, intent, now=call.now)
    webhooks.record(call, "payment_intent.created", intent)
    if not forms.flag(form, "confirm"):
        return Response(200, intent)
    return charging.charge(call, intent)


def retrieve(call: Call, intent: str) -> Response:
    """One intent."""
    return Response(200, objects.get(call.db, "payment_intent", intent))


def update(call: Call, intent: str) -> Response:
    """Change metadata, description or, before it is charged, the payment method."""
    body, form = objects.get(call.db, "payment_intent", intent), call.request.form
    objects.merge_metadata(body, forms.nested(form, "metadata"))
    body["description"] = form.get("description", body["description"])
    if "payment_method" in form:
        _choose_payment_method(body, form)
    objects.save(call.db, body)
    return Response(200, body)


def confirm(call: Call, intent: str) -> Response:
    """Charge the intent, or hold the amount where it is captured by hand."""
    body, form = objects.get(call.db, "payment_intent", intent), call.request.form
    _require(body, CONFIRMABLE, "confirm")
    if "payment_method" in form:
        _choose_payment_method(body, form)
    if body["payment_method"] is None:
        raise errors.refuse(
            "You cannot confirm this PaymentIntent: it has no payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=body,
        )
    return charging.charge(call, body)


def capture(call: Call, intent: str) -> Response:
    """Take the held amount, or a part of it; what is left is released."""
    body = objects.get(call.db, "payment_intent", intent)
    _require(body, {"requires_capture"}, "capture")
    amount = forms.whole(call.request.form, "amount_to_capture") or body["amount_capturable"]
    if amount > body["amount_capturable"]:
        raise errors.refuse(
            "The amount to capture is greater than the amount that is held.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    body |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    objects.save(call.db, body)
    webhooks.record(call, "payment_intent.succeeded", body)
    return Response(200, body)


def cancel(call: Call, intent: str) -> Response:
    """Release what is held. Refused once the intent has succeeded or was cancelled."""
    body = objects.get(call.db, "payment_intent", intent)
    _require(body, CANCELLABLE, "cancel")
    body |= {
        "status": "canceled",
        "canceled_at": int(call.now),
        "cancellation_reason": call.request.form.get("cancellation_reason"),
        "amount_capturable": 0,
        "next_action": None,
    }
    objects.save(call.db, body)
    webhooks.record(call, "payment_intent.canceled", body)
    return Response(200, body)


def _require(intent: objects.Object, states: set[str], verb: str) -> None:
    if intent["status"] not in states:
        raise errors.refuse(
            f"You cannot {verb} this PaymentIntent because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following statuses may be"
            f" {verb}ed: {', '.join(sorted(states))}.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )


def _choose_payment_method(intent: objects.Object, form: dict[str, str]) -> None:
    _require(intent, CONFIRMABLE, "update")
    intent["payment_method"] = cards.check(form["payment_method"])
    intent["status"] = "requires_confirmation"


def _new(call: Call, form: dict[str, str]) -> dict[str, Any]:
    amount, currency = forms.amount(form), forms.currency(form)
    method = cards.check(form["payment_method"]) if form.get("payment_method") else None
    if form.get("capture_method", "automatic") not in ("automatic", "automatic_async", "manual"):
        raise errors.refuse("Invalid capture_method", param="capture_method")
    if forms.flag(form, "confirm") and method is None:
        raise forms.missing("payment_method")
    intent_id = objects.new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": form.get("capture_method", "automatic"),
        "client_secret": objects.new_id(f"{intent_id}_secret"),
        "confirmation_method": form.get("confirmation_method", "automatic"),
        "created": int(call.now),
        "currency": currency,
        "customer": form.get("customer"),
        "description": form.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": forms.nested(form, "metadata"),
        "next_action": None,
        "payment_method": method,
        "payment_method_types": ["card"],
        "receipt_email": form.get("receipt_email"),
        "status": "requires_confirmation" if method else "requires_payment_method",
    }
