"""Orders: shipped and charged once, or cancelled with nothing held, or visibly with a person."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.catalogue import STOCK
from chaos.checkers.books import Books, Harm, Violation, of_nobody, presence

MONEY_GONE = ("canceled", "refunded")
ENDED = ("shipped", "cancelled", "needs_person")


def check(books: Books) -> Iterator[Violation]:
    """By the address for the receipt, which names the number of its request."""
    requests = books.journal.of("order")
    rows = books.observer.insist(_ORDERS)
    found = Counter(email for _, email, *_ in rows)
    yield from presence("orders", requests, found)
    yield from of_nobody("orders", requests, found)
    placed = {request.about: request.placed_at for request in requests}
    payments = defaultdict(list)
    for entry in books.logs["payments"]:
        if entry["status"] not in MONEY_GONE:
            payments[entry["order"]].append((entry["status"], entry["amount"]))
    shipments = Counter(entry["order"] for entry in books.logs["shipping"])
    for order, email, status, cents, captured in rows:
        money, parcels = payments.pop(order, []), shipments.pop(order, 0)
        what = f"{status}, total {cents}, in our books {captured}, paid {money}, shipped {parcels}"
        for harm in _harms(status, cents, captured, money, parcels):
            yield Violation("orders", harm, email, what, placed.get(email))
    for order in {*payments, *shipments}:
        yield Violation("orders", Harm.DOUBLED, str(order), "was paid or shipped, and is no order")
    yield from _stock(books)


def _harms(
    status: str, cents: int, captured: int, money: list[tuple[str, int]], parcels: int
) -> Iterator[Harm]:
    """With a person it may be half done, but never twice."""
    twice = len(money) > 1 or parcels > 1 or captured > cents
    in_vain = status == "cancelled" and bool(money or parcels or captured)
    whole = (money, parcels, captured) == ([("succeeded", cents)], 1, cents)
    if twice or in_vain:
        yield Harm.DOUBLED
    elif status not in ENDED or (status == "shipped" and not whole):
        yield Harm.LOST


def _stock(books: Books) -> Iterator[Violation]:
    for sku, on_hand, shipped in books.observer.insist(_TAKEN):
        if on_hand != STOCK - shipped:
            harm = Harm.LOST if on_hand > STOCK - shipped else Harm.DOUBLED
            yield Violation("stock", harm, sku, f"{STOCK - on_hand} taken for {shipped} shipped")


_ORDERS = """
    SELECT shop.id::text, email, status, (total * 100)::bigint, (
        SELECT coalesce(sum(CASE kind WHEN 'captured' THEN entry.amount
                                      WHEN 'refunded' THEN -entry.amount END), 0)::bigint
        FROM orders_paymententry AS entry JOIN orders_payment AS payment
        ON payment.id = entry.payment_id WHERE payment.order_id = shop.id
    ) FROM orders_order AS shop WHERE email LIKE '%%@chaos.example'
"""
_TAKEN = """
    SELECT sku, on_hand, (
        SELECT coalesce(sum(quantity), 0)::bigint FROM orders_orderline AS line
        WHERE line.product_id = product.id AND line.hold = 'taken'
    ) FROM pricing_stock AS stock JOIN pricing_product AS product ON product.id = stock.product_id
    WHERE sku LIKE 'CHAOS-G%%'
"""
