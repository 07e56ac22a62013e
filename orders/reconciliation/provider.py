"""The payment provider's list against our ledger, both ways.

It is read while the step's transaction is open, by requests that change nothing, at a moment at
which nothing is held but the step itself. What it says is older than what we read afterwards, so
only what cannot have changed meanwhile is a finding.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from orders.providers import stripe_api
from orders.reconciliation import money
from orders.reconciliation.provider_list import AsksProvider, if_known, page_of_untold, read
from outbox.reconciliation import Page, Suspect


@dataclass(frozen=True)
class Seen:
    """An intent as the provider knows it."""

    id: str
    status: str
    amount: int  # cents that are held; or that were taken, which may be fewer
    order: str


class ListDiffers(AsksProvider):
    """What was charged or held there stands in our ledger, and belongs to an order of ours."""

    name = "orders.payments_differ"

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, Seen] = {}

    def look(self, after: str) -> Page:
        """One answer of the provider's; the cursor is the last intent in it."""
        listed = read(_intents, after, window=self.window())
        intents = [_seen(intent) for intent in listed.data]
        # An intent that names no order was not made by this shop.
        self._seen = {one.id: one for one in intents if one.order and one.status in _MOVED}
        return Page(len(intents), _strange(self._seen), listed.next)

    def compare(self, subject: str) -> Suspect | None:
        return _compare(self._seen[subject])

    def repair(self, suspect: Suspect) -> str:
        if suspect.type != "charged_and_not_in_the_ledger":
            return ""
        money.enter(suspect.evidence["order"], "held", "captured")
        return "its charge is in the ledger now"


class ChargedIsNotThere(AsksProvider):
    """What our ledger says was charged, the provider has charged.

    A signed webhook has said so for nearly all; the others are asked for one by one.
    """

    name = "orders.charge_is_unknown_there"

    def look(self, after: str) -> Page:
        return page_of_untold("captured", "payment_intent.succeeded", after, window=self.window())

    def compare(self, subject: str) -> Suspect | None:
        with connection.cursor() as cursor:
            cursor.execute(_INTENT, [subject])
            intent, order, ours = cursor.fetchone()
        there = if_known(lambda: _intent(intent)) if intent else None
        status = there.status if there else "unknown"
        evidence = {"order": order, "intent": intent, "there": status}
        if there and status == "succeeded":
            taken = there.amount_received
            if taken == ours:
                return None
            return Suspect("amount_differs", subject, evidence | {"amount": taken, "ours": ours})
        return Suspect("in_the_ledger_and_not_charged", subject, evidence)


_MOVED = {"succeeded", "requires_capture"}
"""States in which money is held or taken."""


def _intents(query: dict[str, Any]) -> Any:
    return stripe_api.client().payment_intents.list(query)


def _intent(intent: str) -> Any:
    return stripe_api.client().payment_intents.retrieve(intent)


def _seen(intent: Any) -> Seen:
    metadata = intent.metadata.to_dict() if intent.metadata else {}
    amount = intent.amount_received if intent.status == "succeeded" else intent.amount
    return Seen(intent.id, intent.status, amount, str(metadata.get("order", "")))


def _strange(seen: dict[str, Seen]) -> list[str]:
    """Those that our books do not have as they are there, at a first look."""
    taken = [one.id for one in seen.values() if one.status == "succeeded"]
    held = [one.id for one in seen.values() if one.status == "requires_capture"]
    with connection.cursor() as cursor:
        amounts = [seen[intent].amount for intent in taken + held]
        cursor.execute(_STRANGE, [taken + held, amounts, taken, held])
        return [intent for (intent,) in cursor.fetchall()]


def _compare(seen: Seen) -> Suspect | None:
    """What is wrong with it, by one look at our books."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, [seen.id])
        row = cursor.fetchone()
    evidence: dict[str, Any] = {"there": seen.status, "amount": seen.amount}
    if row is None:
        if _is_being_written_down(seen.order):
            return None
        return Suspect("unknown_to_us", seen.id, evidence | {"order": seen.order})
    order, status, amount, kinds, long_ended = row
    evidence |= {"order": order, "status": status, "ledger": kinds}
    if seen.amount != amount:
        return Suspect("amount_differs", seen.id, evidence | {"ours": amount})
    if status not in ("shipped", "cancelled") or "captured" in kinds:
        return None
    if seen.status == "succeeded" and status == "shipped":
        return Suspect("charged_and_not_in_the_ledger", seen.id, evidence)
    if seen.status == "succeeded":
        return Suspect("charged_though_cancelled", seen.id, evidence)
    return Suspect("held_though_it_ended", seen.id, evidence) if long_ended else None


def _is_being_written_down(order: str) -> bool:
    """An intent's id is written with the payment after the provider made it: an order that has not
    ended may be about to."""
    with connection.cursor() as cursor:
        cursor.execute(_GOING, [order])
        return bool(cursor.fetchone()[0])


_STRANGE = """
    SELECT listed.id FROM unnest(%s::text[], %s::bigint[]) AS listed (id, amount)
    WHERE NOT EXISTS (
        SELECT FROM orders_payment AS payment
        JOIN orders_order AS shop ON shop.id = payment.order_id
        WHERE payment.intent = listed.id AND payment.amount = listed.amount AND CASE
            WHEN shop.status NOT IN ('shipped', 'cancelled') THEN true
            WHEN listed.id = ANY(%s::text[]) THEN EXISTS (
                SELECT FROM orders_paymententry
                WHERE payment_id = payment.id AND kind = 'captured')
            WHEN listed.id = ANY(%s::text[]) THEN shop.finished_at > now() - interval '10 minutes'
        END
    )
"""

_BOOKS = """
    SELECT shop.id::text, shop.status, payment.amount,
        ARRAY(SELECT kind::text FROM orders_paymententry WHERE payment_id = payment.id
              ORDER BY kind),
        coalesce(shop.status IN ('shipped', 'cancelled')
                 AND shop.finished_at < now() - interval '10 minutes', false)
    FROM orders_payment AS payment JOIN orders_order AS shop ON shop.id = payment.order_id
    WHERE payment.intent = %s
"""

_GOING = """
    SELECT EXISTS (
        SELECT FROM orders_order
        WHERE id::text = %s AND status NOT IN ('shipped', 'cancelled')
    )
"""

_INTENT = """
    SELECT payment.intent, payment.order_id::text, entry.amount
    FROM orders_paymententry AS entry
    JOIN orders_payment AS payment ON payment.id = entry.payment_id
    WHERE entry.id = %s
"""
