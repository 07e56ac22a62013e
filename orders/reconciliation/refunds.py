"""What our ledger says was given back was, and nothing else: a refund may fail weeks later."""

from datetime import timedelta
from typing import Any

from django.db import connection

from orders.providers import stripe_api
from orders.reconciliation.provider_list import (
    AT_ONCE,
    AsksProvider,
    if_known,
    page_of_untold,
    read,
)
from outbox.reconciliation import Page, Suspect

WINDOW = timedelta(days=45)
"""Since a refund was made: it may fail within thirty days (docs.stripe.com/refunds), and the nights
that were missed come on top."""


class RefundFailed(AsksProvider):
    """The provider's failed refunds, of payments that our ledger says were given back.

    And, since they are in the same list, those that did not fail and that our ledger lacks.
    """

    name = "orders.refund_failed_there"

    def look(self, after: str) -> Page:
        """One answer of the provider's; a subject is the intent that was to be given back."""
        listed = read(_refunds, after, window=WINDOW)
        failed = {one.payment_intent for one in listed.data if _has_failed(one)}
        made = {one.payment_intent for one in listed.data if not _has_failed(one)}
        strange = [*_orders(_GIVEN_BACK, failed), *_orders(_NOT_GIVEN_BACK, made)]
        return Page(len(listed.data), strange, listed.next)

    def compare(self, subject: str) -> Suspect | None:
        """None where a further refund of the same payment did better, whoever made it."""
        refunds = _refunds({"payment_intent": subject, "limit": AT_ONCE}).data
        have_failed = all(_has_failed(one) for one in refunds)
        order = _orders(_GIVEN_BACK if have_failed else _NOT_GIVEN_BACK, {subject}).get(subject)
        if order is None:
            return None
        evidence = {"order": order, "there": {one.id: one.status for one in refunds}}
        if have_failed:
            return Suspect("in_the_ledger_and_not_given_back", subject, evidence)
        return Suspect("given_back_and_not_in_the_ledger", subject, evidence)


class RefundIsNotThere(AsksProvider):
    """What our ledger says was given back, the provider has given back, or is about to.

    A signed webhook has said so for nearly all; the others are asked for one by one. One that was
    made and failed is the other check's.
    """

    name = "orders.refund_is_unknown_there"

    def look(self, after: str) -> Page:
        return page_of_untold("refunded", "refund.created", after)

    def compare(self, subject: str) -> Suspect | None:
        with connection.cursor() as cursor:
            cursor.execute(_ENTRY, [subject])
            intent, order, amount = cursor.fetchone()
        refunds = _refunds_of(intent)
        given_back = sum(one.amount for one in refunds if not _has_failed(one))
        if given_back >= amount or (refunds and not given_back):
            return None
        evidence = {"order": order, "intent": intent, "ours": amount, "there": given_back}
        return Suspect("in_the_ledger_and_not_refunded", subject, evidence)


def _refunds(query: dict[str, Any]) -> Any:
    return stripe_api.client().refunds.list(query)


def _refunds_of(intent: str) -> list[Any]:
    """All of them; none where there is no such intent."""
    query = {"payment_intent": intent, "limit": AT_ONCE}
    listed = if_known(lambda: _refunds(query)) if intent else None
    return list(listed.data) if listed else []


def _has_failed(refund: Any) -> bool:
    return refund.status in stripe_api.NOT_GIVEN_BACK


def _orders(sql: str, intents: set[str]) -> dict[str, str]:
    """Those of these intents that the statement finds, with their orders."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [[*intents]])
        return dict(cursor.fetchall())


_GIVEN_BACK = """
    SELECT payment.intent, payment.order_id::text
    FROM orders_payment AS payment
    JOIN orders_paymententry AS entry ON entry.payment_id = payment.id AND entry.kind = 'refunded'
    WHERE payment.intent = ANY(%s)
"""

# A saga under way writes down what the provider did a moment later, in the step's own commit.
_NOT_GIVEN_BACK = """
    SELECT payment.intent, payment.order_id::text
    FROM orders_payment AS payment
    WHERE payment.intent = ANY(%s) AND NOT EXISTS (
        SELECT FROM orders_paymententry AS entry
        WHERE entry.payment_id = payment.id AND entry.kind = 'refunded'
    ) AND NOT EXISTS (
        SELECT FROM orders_sagarun AS run
        WHERE run.order_id = payment.order_id AND run.state IN ('running', 'compensating')
    )
"""

_ENTRY = """
    SELECT payment.intent, payment.order_id::text, entry.amount
    FROM orders_paymententry AS entry
    JOIN orders_payment AS payment ON payment.id = entry.payment_id
    WHERE entry.id = %s
"""
