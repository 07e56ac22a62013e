"""A shipped order is charged, a cancelled one is not, and no webhook says otherwise."""

from django.db import connection
from django.urls import reverse

from orders.models import Payment, PaymentEntry
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged

PAGE = 10_000
NO_ID = "00000000-0000-0000-0000-000000000000"


class MoneyIsNotAsItShouldBe(Check):
    """The ledger of an order that has ended says what its end says."""

    name = "orders.money_is_not_as_it_should_be"

    def page(self, after: str) -> Page:
        return paged(_ENDED, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        row = read_books(order_id=subject)
        if row is None:
            return None
        status, ledger, said, steps_done = row
        if not said and _agrees(status, set(ledger)):
            return None
        evidence = {"status": status, "ledger": ledger, "webhooks": said}
        if not said and _entry_is_missing(status, set(ledger)) and "capture" in steps_done:
            evidence["capture"] = "done"
        return Suspect("money_is_not_as_it_should_be", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        """Where the saga knows that the provider took the money, its entry is written again."""
        if "capture" not in suspect.evidence:
            return ""
        enter(suspect.subject, "held", "captured")
        return "its charge is in the ledger again: the capture was confirmed at the time"

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.subject])


def read_books(*, order_id: str) -> tuple[str, list[str], list[str], list[str]] | None:
    """Status, kinds of entries, webhooks that differ, steps done: in one statement, one snapshot.

    None where the order has not ended; one that waits for a person has one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, [order_id])
        row: tuple[str, list[str], list[str], list[str]] | None = cursor.fetchone()
    return row


def enter(order_id: str, *kinds: str) -> None:
    """Write what is missing of these into the ledger; a second entry of a kind is the first."""
    payment = Payment.objects.select_related("order").get(order_id=order_id)
    for kind in kinds:
        PaymentEntry.objects.get_or_create(
            payment=payment,
            kind=kind,
            defaults={"amount": payment.amount, "operation_id": payment.order.operation_id},
        )


def _agrees(status: str, ledger: set[str]) -> bool:
    given_back = bool(ledger & {"released", "refunded"})
    if status == "shipped":
        return "captured" in ledger and "released" not in ledger
    return not ledger & {"held", "captured"} or given_back


def _entry_is_missing(status: str, ledger: set[str]) -> bool:
    return status == "shipped" and not ledger & {"captured", "released", "refunded"}


_BOOKS = """
    SELECT shop.status,
        ARRAY(SELECT kind::text FROM orders_paymententry WHERE payment_id = payment.id
              ORDER BY kind),
        ARRAY(SELECT finding::text FROM orders_paymentevent
              WHERE payment_id = payment.id AND finding <> '' ORDER BY id LIMIT 10),
        ARRAY(SELECT step.name::text FROM orders_sagastep AS step
              JOIN orders_sagarun AS run ON run.id = step.run_id
              WHERE run.order_id = shop.id AND step.state = 'done' AND NOT step.backwards)
    FROM orders_order AS shop JOIN orders_payment AS payment ON payment.order_id = shop.id
    WHERE shop.id = %s AND shop.status IN ('shipped', 'cancelled')
"""

_ENDED = """
    SELECT shop.id, CASE WHEN shop.status IN ('shipped', 'cancelled') AND (
        EXISTS (
            SELECT FROM orders_paymentevent AS event
            WHERE event.payment_id = payment.id AND event.finding <> ''
        ) OR (shop.status = 'shipped' AND NOT EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind = 'captured'
        )) OR (shop.status = 'shipped' AND EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind = 'released'
        )) OR (shop.status = 'cancelled' AND EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind IN ('held', 'captured')
        ) AND NOT EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind IN ('released', 'refunded')
        ))
    ) THEN shop.id::text END
    FROM orders_order AS shop JOIN orders_payment AS payment ON payment.order_id = shop.id
    WHERE shop.id > %s::uuid ORDER BY shop.id LIMIT %s
"""
