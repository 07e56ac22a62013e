"""What our ledger says was given back was: a refund may fail weeks after it was made."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from orders.providers import stripe_api
from orders.reconciliation import provider_list
from outbox.reconciliation import Check, Page, Suspect

WINDOW = timedelta(days=45)
"""Since a refund was made: it may fail within thirty days (docs.stripe.com/refunds), and the nights
that were missed come on top."""


class RefundFailed(Check):
    """The provider's failed refunds, of payments that our ledger says were given back."""

    name = "orders.refund_failed_there"

    def __init__(self) -> None:
        self._out_of_reach = False

    def page(self, after: str) -> Page:
        """One answer of the provider's; a subject is the intent that was to be given back."""
        self._out_of_reach = False
        if not settings.SHOP.stripe_api_key:
            return Page(0, [], None)
        try:
            listed = provider_list.read(_refunds, after, window=WINDOW)
        except provider_list.errors():
            return provider_list.UNREAD
        failed = [one.payment_intent for one in listed.data if _has_failed(one)]
        return Page(len(listed.data), list(_given_back_here(failed)), listed.next)

    def confirm(self, subject: str) -> Suspect | None:
        """None where a further refund of the same payment did better, whoever made it."""
        if subject == provider_list.OUT_OF_REACH:
            return provider_list.out_of_reach()
        if self._out_of_reach:
            return None  # said once: each further time-out would hold up the step
        try:
            refunds = _refunds({"payment_intent": subject, "limit": provider_list.AT_ONCE}).data
        except provider_list.errors():
            self._out_of_reach = True
            return provider_list.out_of_reach()
        if not all(_has_failed(one) for one in refunds):
            return None
        evidence = {
            "order": _given_back_here([subject])[subject],
            "there": {one.id: one.status for one in refunds},
        }
        return Suspect("in_the_ledger_and_not_given_back", subject, evidence)

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


def _refunds(query: dict[str, Any]) -> Any:
    return stripe_api.client().refunds.list(query)


def _has_failed(refund: Any) -> bool:
    return refund.status in stripe_api.NOT_GIVEN_BACK


def _given_back_here(intents: list[str]) -> dict[str, str]:
    """Those of these intents that our ledger says were given back, with their orders."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN_BACK, [intents])
        return dict(cursor.fetchall())


_GIVEN_BACK = """
    SELECT payment.intent, payment.order_id::text
    FROM orders_payment AS payment
    JOIN orders_paymententry AS entry ON entry.payment_id = payment.id AND entry.kind = 'refunded'
    WHERE payment.intent = ANY(%s)
"""
