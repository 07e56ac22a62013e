"""Webhooks of the payment provider: evidence, kept once, that moves no money by itself.

An event may come twice, late and in any order, so what it says is compared with our own books and
never copied into them. It can show that the provider did something that we take for undone: that is
a finding, for a person.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from orders.models import Order, Payment, PaymentEntry, PaymentEvent
from orders.providers import stripe_api

log = structlog.get_logger(__name__)


def note_event(*, event_id: str, kind: str, body: dict[str, Any]) -> bool:
    """Keep an event whose signature was checked. False where it had come before."""
    payment = _payment(body)
    finding = _finding(kind, body, payment)
    with transaction.atomic():
        _, created = PaymentEvent.objects.get_or_create(
            id=event_id[:100],
            defaults={
                "kind": kind[:100],
                "payment": payment,
                "detail": f"{body.get('object', '')} {body.get('id', '')}"[:300],
                "finding": finding,
            },
        )
    if created and finding:
        log.error("payment_finding", event_id=event_id, kind=kind, finding=finding)
    return created


def _payment(body: dict[str, Any]) -> Payment | None:
    metadata = body.get("metadata")
    named = metadata.get("order") if isinstance(metadata, dict) else None
    try:
        order_id = UUID(str(named))
    except ValueError:
        return None
    return Payment.objects.select_related("order").filter(order_id=order_id).first()


def _finding(kind: str, body: dict[str, Any], payment: Payment | None) -> str:
    """What contradicts our books and no attempt under way can explain."""
    if payment is None:
        return ""
    known = set(payment.entries.values_list("kind", flat=True))
    if body.get("object") == "refund":
        return _finding_about_refund(body, known)
    if body.get("object") != "payment_intent":
        return ""
    ended = payment.order.status in (Order.Status.SHIPPED, Order.Status.CANCELLED)
    if kind == "payment_intent.succeeded" and ended and "captured" not in known:
        return "charged, though our books say that it was not"
    cents = body.get("amount_received" if kind == "payment_intent.succeeded" else "amount")
    if cents != payment.amount:
        return f"about {cents} cents, while the order costs {payment.amount}"
    if payment.intent and body.get("id") != payment.intent and kind != "payment_intent.created":
        return f"about an intent that is not this order's ({payment.intent})"
    return ""


def _finding_about_refund(body: dict[str, Any], known: set[str]) -> str:
    """By its status, since the kinds of the events that tell of it differ by the API's version:
    refund.failed, refund.updated, charge.refund.updated."""
    failed = body.get("status") in stripe_api.NOT_GIVEN_BACK
    if failed and PaymentEntry.Kind.REFUNDED in known:
        return f"a refund ended {body.get('status')}, though our books say that it was given back"
    return ""
