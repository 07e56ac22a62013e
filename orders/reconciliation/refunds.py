"""What our ledger says was given back was: a refund may fail weeks after it was made."""

from datetime import timedelta
from typing import Any

from django.db import connection

from orders.providers import stripe_api
from orders.reconciliation.provider_list import AT_ONCE, AsksProvider, read
from outbox.reconciliation import Page, Suspect

WINDOW = timedelta(days=45)
"""Since a refund was made: it may fail within thirty days (docs.stripe.com/refunds), and the nights
that were missed come on top."""


class RefundFailed(AsksProvider):
    """The provider's failed refunds, of payments that our ledger says were given back."""

    name = "orders.refund_failed_there"

    def look(self, after: str) -> Page:
        """One answer of the provider's; a subject is the intent that was to be given back."""
        listed = read(_refunds, after, window=WINDOW)
        failed = [one.payment_intent for one in listed.data if _has_failed(one)]
        return Page(len(listed.data), list(_given_back_here(failed)), listed.next)

    def compare(self, subject: str) -> Suspect | None:
        """None where a further refund of the same payment did better, whoever made it."""
        refunds = _refunds({"payment_intent": subject, "limit": AT_ONCE}).data
        if not all(_has_failed(one) for one in refunds):
            return None
        evidence = {
            "order": _given_back_here([subject])[subject],
            "there": {one.id: one.status for one in refunds},
        }
        return Suspect("in_the_ledger_and_not_given_back", subject, evidence)


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
