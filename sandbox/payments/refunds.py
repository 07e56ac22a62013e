"""Refunds of captured payments (docs.stripe.com/api/refunds)."""

from typing import Any

from sandbox.payments import cards, errors, forms, objects, webhooks
from sandbox.web import Call, Response


def create(call: Call) -> Response:
    """Give back what was taken, or a part of it. Never more than was taken."""
    form = call.request.form
    intent = _payment(call, form)
    left = intent["amount_received"] - refunded(objects.children(call.db, intent["id"]))
    if left <= 0:
        raise errors.refuse(
            f"Charge {intent['latest_charge']} has already been refunded.",
            code="charge_already_refunded",
        )
    amount = forms.whole(form, "amount") or left
    if amount > left:
        raise errors.refuse(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    refund = _new(call, form, intent, amount)
    objects.insert(call.db, refund, now=call.now, parent=intent["id"])
    webhooks.record(call, "refund.created", refund)
    return Response(200, refund)


def retrieve(call: Call, refund: str) -> Response:
    """One refund."""
    return Response(200, objects.get(call.db, "refund", refund))


def refunded(refunds: list[objects.Object]) -> int:
    """How much was given back or is on its way; a failed refund gives nothing back."""
    return sum(refund["amount"] for refund in refunds if refund["status"] != "failed")


def _payment(call: Call, form: dict[str, str]) -> objects.Object:
    if "payment_intent" in form:
        intent = objects.get(call.db, "payment_intent", form["payment_intent"])
    elif "charge" in form:
        intent = _by_charge(call, form["charge"])
    else:
        raise errors.refuse(
            "One of the following params should be provided for this request:"
            " payment_intent or charge.",
            code="parameter_missing",
        )
    if intent["status"] != "succeeded":
        raise errors.refuse(
            f"This PaymentIntent ({intent['id']}) has no successful charge to refund.",
            param="payment_intent",
        )
    return intent


def _by_charge(call: Call, charge: str) -> objects.Object:
    for intent in objects.all_of(call.db, "payment_intent"):
        if intent["latest_charge"] == charge:
            return intent
    raise errors.no_such("charge", charge, param="charge")


def _new(call: Call, form: dict[str, str], intent: objects.Object, amount: int) -> dict[str, Any]:
    status = cards.LATE_REFUNDS.get(intent["payment_method"], "succeeded")
    return {
        "id": objects.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": intent["latest_charge"],
        "created": int(call.now),
        "currency": intent["currency"],
        "failure_reason": "expired_or_canceled_card" if status == "failed" else None,
        "metadata": forms.nested(form, "metadata"),
        "payment_intent": intent["id"],
        "reason": form.get("reason"),
        "status": status,
    }
