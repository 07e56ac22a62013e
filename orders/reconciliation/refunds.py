"""What our ledger says was given back was, and nothing else: a refund may fail weeks later."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.urls import reverse

from orders.models import Refund
from orders.providers import stripe_api
from orders.reconciliation.provider_list import (
    AT_ONCE,
    AsksProvider,
    if_known,
    page_of_untold,
    read,
)
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged

PAGE = 10_000
NO_ID = "00000000-0000-0000-0000-000000000000"

WINDOW = timedelta(days=45)
"""Since a refund was made: it may fail within thirty days (docs.stripe.com/refunds), and the nights
that were missed come on top."""


class RefundFailed(AsksProvider):
    """The provider's refunds that failed, or were of a part only, of payments that our ledger says
    were given back.

    And, since they are in the same list, those that did not fail and that our ledger lacks.
    """

    name = "orders.refund_failed_there"

    def look(self, after: str) -> Page:
        """One answer of the provider's; a subject is the intent that was to be given back."""
        listed = read(_refunds, after, window=WINDOW)
        gave = [(one.payment_intent, stripe_api.given_back([one])) for one in listed.data]
        made = {intent for intent, cents in gave if cents}
        strange = {**_given_back_of_more(gave), **_not_given_back(made)}
        return Page(len(listed.data), [*strange], listed.next)

    def compare(self, subject: str) -> Suspect | None:
        """None where further refunds of the same payment made it up, whoever made them."""
        refunds = _refunds({"payment_intent": subject, "limit": AT_ONCE}).data
        cents = stripe_api.given_back(refunds)
        there = {one.id: one.status for one in refunds}
        if order := _given_back_of_more([(subject, cents)]).get(subject):
            evidence = {"order": order, "there": there, "given_back": cents}
            return Suspect("in_the_ledger_and_not_given_back", subject, evidence)
        if cents and (order := _not_given_back({subject}).get(subject)):
            evidence = {"order": order, "there": there, "given_back": cents}
            return Suspect("given_back_and_not_in_the_ledger", subject, evidence)
        return None


class RefundIsNotThere(AsksProvider):
    """Of what our ledger says was given back, the provider has a refund at all.

    A signed webhook has said so for nearly all; the others are asked for one by one. Where one was
    made, and failed or was of a part, it is the other check's.
    """

    name = "orders.refund_is_unknown_there"

    def look(self, after: str) -> Page:
        return page_of_untold("refunded", "refund.created", after, window=self.window())

    def compare(self, subject: str) -> Suspect | None:
        with connection.cursor() as cursor:
            cursor.execute(_ENTRY, [subject])
            intent, order, amount = cursor.fetchone()
        if _refunds_of(intent):
            return None
        evidence = {"order": order, "intent": intent, "ours": amount}
        return Suspect("in_the_ledger_and_not_refunded", subject, evidence)


class RefundIsRefused(Check):
    """A refund that was asked for and refused: the customer waits for it."""

    name = "orders.refund_is_refused"

    def page(self, after: str) -> Page:
        return paged(_REFUSED, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        refused = Refund.objects.filter(pk=subject, status=Refund.Status.REFUSED).first()
        if refused is None:
            return None
        evidence = {"order": str(refused.order_id), "asked_by": refused.asked_by}
        return Suspect("refund_is_refused", subject, evidence)

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


def _refunds(query: dict[str, Any]) -> Any:
    return stripe_api.client().refunds.list(query)


def _refunds_of(intent: str) -> list[Any]:
    """All of them; none where there is no such intent."""
    query = {"payment_intent": intent, "limit": AT_ONCE}
    listed = if_known(lambda: _refunds(query)) if intent else None
    return list(listed.data) if listed else []


def _given_back_of_more(gave: list[tuple[str, int]]) -> dict[str, str]:
    """Those of these intents of which more was given back by our ledger, with their orders."""
    return _orders(_OF_MORE, [intent for intent, _ in gave], [cents for _, cents in gave])


def _not_given_back(intents: set[str]) -> dict[str, str]:
    """Those of these intents that our ledger does not say were given back, with their orders."""
    return _orders(_NOT_GIVEN_BACK, [*intents])


def _orders(sql: str, *listed: list[Any]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, listed)
        return dict(cursor.fetchall())


_OF_MORE = """
    SELECT payment.intent, payment.order_id::text
    FROM unnest(%s::text[], %s::bigint[]) AS listed (intent, cents)
    JOIN orders_payment AS payment ON payment.intent = listed.intent
    JOIN orders_paymententry AS entry ON entry.payment_id = payment.id AND entry.kind = 'refunded'
    WHERE entry.amount > listed.cents
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

_REFUSED = """
    SELECT id, CASE WHEN status = 'refused' THEN id::text END
    FROM orders_refund WHERE id > %s::uuid ORDER BY id LIMIT %s
"""

_ENTRY = """
    SELECT payment.intent, payment.order_id::text, entry.amount
    FROM orders_paymententry AS entry
    JOIN orders_payment AS payment ON payment.id = entry.payment_id
    WHERE entry.id = %s
"""
