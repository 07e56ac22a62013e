"""What should hold between orders, their money and their stock; checked every night."""

from datetime import timedelta

from django.db.models import Sum
from django.db.models.functions import Now

from orders.models import Order, OrderLine, PaymentEntry, PaymentEvent, SagaRun
from outbox.models import Message
from outbox.reconciliation import Check, Page, Suspect, register
from outbox.reconciliation.checks import paged
from pricing.models import Stock

PAGE = 10_000
TOO_LONG = timedelta(minutes=10)
NO_ID = "00000000-0000-0000-0000-000000000000"
MONEY = {"shipped": {"held", "captured"}, "cancelled": set[str]()}
"""What must stand in the ledger of an order that has ended, and has not been given back."""


class ReservedIsNotHeld(Check):
    """Stock is reserved for the lines of open orders, and for nothing else."""

    name = "orders.reserved_is_not_held"

    def page(self, after: str) -> Page:
        return paged(_STOCK, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        # Who books writes to the stock first and then to its lines: by this lock both are seen.
        stock = Stock.objects.locked().get(pk=int(subject))
        held = OrderLine.objects.filter(product=int(subject), hold="held").aggregate(
            n=Sum("quantity")
        )
        if stock.reserved == (held["n"] or 0):
            return None
        evidence = {"reserved": stock.reserved, "held": held["n"] or 0, "on_hand": stock.on_hand}
        return Suspect("reserved_is_not_held", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        held = suspect.evidence["held"]
        if held > suspect.evidence["on_hand"]:
            return ""
        Stock.objects.filter(pk=int(suspect.subject)).update(reserved=held)
        return f"reserved set to {held}, which open orders hold"


class NobodyMovesIt(Check):
    """A run under way has a message that waits: the next step, a retry, or the end of a lease."""

    name = "orders.nobody_moves_it"

    def page(self, after: str) -> Page:
        return paged(_OPEN, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        going = SagaRun.objects.filter(pk=subject, state__in=["running", "compensating"])
        run = going.filter(created_at__lt=Now() - TOO_LONG).locked().first()
        if run is None:
            return None
        if Message.objects.waiting().filter(operation_id=run.operation_id).exists():
            return None
        steps = {step.name: step.status for step in run.steps.all()}
        return Suspect("nobody_moves_it", subject, {"order": str(run.order_id), "steps": steps})


class MoneyIsNotAsItShouldBe(Check):
    """A shipped order is charged, a cancelled one is not, and no webhook says otherwise."""

    name = "orders.money_is_not_as_it_should_be"

    def page(self, after: str) -> Page:
        return paged(_ENDED, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        order = Order.objects.get(pk=subject)
        entries = PaymentEntry.objects.filter(payment__order=order)
        kinds = set(entries.values_list("kind", flat=True))
        standing = _standing(kinds)
        said = PaymentEvent.objects.filter(payment__order=order).exclude(finding="")
        findings = list(said.values_list("finding", flat=True)[:10])
        given_back = "refunded" in kinds and not standing
        if not findings and (standing == MONEY.get(order.status, standing) or given_back):
            return None
        evidence = {"status": str(order.status), "ledger": sorted(kinds), "webhooks": findings}
        return Suspect("money_is_not_as_it_should_be", subject, evidence)


def _standing(kinds: set[str]) -> set[str]:
    """What is left of the movements: released and refunded take back what they are of."""
    return set() if kinds & {"released", "refunded"} else kinds


_STOCK = """
    SELECT stock.product_id, CASE WHEN stock.reserved <> coalesce((
        SELECT sum(quantity) FROM orders_orderline AS line
        WHERE line.product_id = stock.product_id AND line.hold = 'held'
    ), 0) THEN stock.product_id::text END
    FROM pricing_stock AS stock
    WHERE stock.product_id > %s::bigint ORDER BY stock.product_id LIMIT %s
"""
_OPEN = """
    SELECT run.id, CASE WHEN run.state IN ('running', 'compensating') AND NOT EXISTS (
        SELECT FROM outbox_message AS message
        WHERE message.operation_id = run.operation_id AND message.state IN ('pending', 'parked')
    ) THEN run.id::text END
    FROM orders_sagarun AS run WHERE run.id > %s::uuid ORDER BY run.id LIMIT %s
"""
_ENDED = """
    SELECT shop.id, CASE WHEN shop.status IN ('shipped', 'cancelled') AND (
        EXISTS (
            SELECT FROM orders_paymentevent AS event
            WHERE event.payment_id = payment.id AND event.finding <> ''
        ) OR (shop.status = 'shipped') <> EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind = 'captured'
        ) OR (shop.status = 'cancelled' AND EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind = 'held'
        ) AND NOT EXISTS (
            SELECT FROM orders_paymententry AS entry
            WHERE entry.payment_id = payment.id AND entry.kind IN ('released', 'refunded')
        ))
    ) THEN shop.id::text END
    FROM orders_order AS shop JOIN orders_payment AS payment ON payment.order_id = shop.id
    WHERE shop.id > %s::uuid ORDER BY shop.id LIMIT %s
"""

for _check in (ReservedIsNotHeld(), NobodyMovesIt(), MoneyIsNotAsItShouldBe()):
    register(_check)
