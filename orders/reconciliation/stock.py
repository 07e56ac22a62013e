"""Stock is reserved for the lines of open orders, and for nothing else."""

from dataclasses import replace

from django.db.models import F, Sum
from django.urls import reverse

from orders.models import Order, OrderLine, SagaRun
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged
from pricing.models import Stock

PAGE = 10_000
BECOMES = {
    Order.Status.SHIPPED: OrderLine.Hold.TAKEN,
    Order.Status.CANCELLED: OrderLine.Hold.RELEASED,
}
"""What a line's hold is once its order is finished."""


class HeldForAFinishedOrder(Check):
    """A finished order holds no stock: it was taken by the carrier, or released.

    By its name this one comes before the other: what it mends changes what is reserved.
    """

    name = "orders.held_for_a_finished_order"

    def page(self, after: str) -> Page:
        """By product: a repair holds its stock until the step ends, and bookings go this way."""
        page = paged(_LINES, after, ["0"], PAGE)
        lines = OrderLine.objects.filter(pk__in=page.subjects).order_by("product_id", "pk")
        return replace(page, subjects=[str(pk) for pk in lines.values_list("pk", flat=True)])

    def confirm(self, subject: str) -> Suspect | None:
        line = OrderLine.objects.filter(pk=int(subject)).first()
        if line is None:
            return None
        SagaRun.objects.locked().filter(saga="order", order_id=line.order_id).first()
        # Who holds the run may read: nobody else books this order's lines now.
        line.refresh_from_db()
        order = Order.objects.get(pk=line.order_id)
        if line.hold != "held" or order.status not in BECOMES:
            return None
        evidence = {"order": str(order.pk), "status": str(order.status), "quantity": line.quantity}
        return Suspect("held_for_a_finished_order", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        line = OrderLine.objects.get(pk=int(suspect.subject))
        hold = BECOMES[Order.Status(suspect.evidence["status"])]
        stock = Stock.objects.locked().get(pk=line.product_id)
        # Other finished orders may hold the product as well: their lines follow, one by one.
        if stock.reserved == _held(stock.pk):
            gone = line.quantity if hold == OrderLine.Hold.TAKEN else 0
            Stock.objects.filter(pk=stock.pk).update(
                reserved=F("reserved") - line.quantity, on_hand=F("on_hand") - gone
            )
        elif stock.reserved != _held(stock.pk, open_only=True):
            return ""  # two things are wrong at once: nobody can say which number is right
        OrderLine.objects.filter(pk=line.pk, hold="held").update(hold=hold)
        return f"the line's hold is {hold.label} by now"

    def address(self, suspect: Suspect) -> str:
        return reverse("orders:order", args=[suspect.evidence["order"]])


class ReservedIsNotHeld(Check):
    """A stock's reserved number is the sum of what its lines hold."""

    name = "orders.reserved_is_not_held"

    def page(self, after: str) -> Page:
        return paged(_STOCK, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        # Who books writes to the stock first and then to its lines: by this lock both are seen.
        stock = Stock.objects.locked().filter(pk=int(subject)).first()
        if stock is None:
            return None
        held = _held(stock.pk)
        if stock.reserved == held:
            return None
        evidence = {"reserved": stock.reserved, "held": held, "on_hand": stock.on_hand}
        return Suspect("reserved_is_not_held", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        product, held = int(suspect.subject), suspect.evidence["held"]
        if held > suspect.evidence["on_hand"] or held != _held(product, open_only=True):
            return ""
        Stock.objects.filter(pk=product).update(reserved=held)
        return f"reserved set to {held}, which open orders hold"

    def address(self, suspect: Suspect) -> str:
        return reverse("pricing:product", args=[int(suspect.subject)])


def _held(product_id: int, *, open_only: bool = False) -> int:
    lines = OrderLine.objects.filter(product=product_id, hold="held")
    if open_only:
        lines = lines.exclude(order__status__in=list(BECOMES))
    return lines.aggregate(n=Sum("quantity"))["n"] or 0


_LINES = """
    SELECT line.id, CASE WHEN line.hold = 'held' AND shop.status IN ('shipped', 'cancelled')
        THEN line.id END
    FROM orders_orderline AS line JOIN orders_order AS shop ON shop.id = line.order_id
    WHERE line.id > %s::bigint ORDER BY line.id LIMIT %s
"""

_STOCK = """
    SELECT stock.product_id, CASE WHEN stock.reserved <> coalesce((
        SELECT sum(quantity) FROM orders_orderline AS line
        WHERE line.product_id = stock.product_id AND line.hold = 'held'
    ), 0) THEN stock.product_id::text END
    FROM pricing_stock AS stock
    WHERE stock.product_id > %s::bigint ORDER BY stock.product_id LIMIT %s
"""
