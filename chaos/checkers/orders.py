"""Orders: shipped and charged once, or cancelled with nothing held, or visibly with a person.

A card that is good is charged: given up is only what has used up its attempts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.catalogue import DECLINED_CARD, STOCK
from chaos.checkers.books import Books, Harm, Violation, of_nobody, presence
from chaos.journal import Request

MONEY_GONE = ("canceled", "refunded")
ENDED = ("shipped", "cancelled", "needs_person")
A_CUSTOMER_WAITS = 12  # failed attempts at a step, then its order is cancelled
UNTIL_DONE = 60  # failed attempts at a charge or on the way back, then a person is asked
CRASHES, ATTEMPTS = 3, 8  # of one message, then it is dead, and a person is asked


def check(books: Books) -> Iterator[Violation]:
    """By the address for the receipt, which names the number of its request."""
    requests = books.journal.of("order")
    rows = books.observer.insist(_ORDERS)
    found = Counter(email for _, email, *_ in rows)
    yield from presence("orders", requests, found)
    yield from of_nobody("orders", requests, found)
    asked = {request.about: request for request in requests}
    payments = defaultdict(list)
    for entry in books.logs["payments"]:
        if entry["status"] not in MONEY_GONE:
            payments[entry["order"]].append((entry["status"], entry["amount"]))
    shipments = Counter(entry["order"] for entry in books.logs["shipping"])
    for order, email, status, reason, cents, captured, tries, dead in rows:
        money, parcels = payments.pop(order, []), shipments.pop(order, 0)
        what = f"{status}, total {cents}, in our books {captured}, paid {money}, shipped {parcels}"
        request = asked.get(email)
        at = request.placed_at if request else None
        for harm in _harms(status, cents, captured, money, parcels):
            yield Violation("orders", harm, email, what, at)
        if request and (wrong_end := _harm_of_end(status, request, tries, dead)):
            what = f"{status} ({reason}) after {tries} failed attempts at one step"
            yield Violation("orders", wrong_end, f"end of {email}", what, at)
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


def _harm_of_end(status: str, request: Request, tries: int, dead: bool) -> Harm | None:
    """An end that the card does not ask for needs a record of what was tried in vain.

    Nothing of the load cancels an order. A step that a fault has cut short is tried again, so that
    no single fault ends one.
    """
    declined = request.body["payment_method"] == DECLINED_CARD
    if declined and status == "shipped":
        return Harm.DOUBLED
    given_up = not declined and status == "cancelled" and tries < A_CUSTOMER_WAITS
    with_a_person = status == "needs_person" and tries < UNTIL_DONE and not dead
    return Harm.LOST if given_up or with_a_person else None


def _stock(books: Books) -> Iterator[Violation]:
    for sku, on_hand, shipped in books.observer.insist(_TAKEN):
        if on_hand != STOCK - shipped:
            harm = Harm.LOST if on_hand > STOCK - shipped else Harm.DOUBLED
            yield Violation("stock", harm, sku, f"{STOCK - on_hand} taken for {shipped} shipped")


# Of the run that is being looked at.
HAS_DIED = f"""
    EXISTS (
        SELECT FROM outbox_message AS message
        WHERE message.operation_id = run.operation_id AND message.state = 'dead'
          AND message.args ->> 'run_id' = run.id::text
          AND (message.crashes >= {CRASHES} OR message.attempts >= {ATTEMPTS})
    )
"""
_ORDERS = f"""
    SELECT shop.id::text, email, status, shop.reason, (total * 100)::bigint, (
        SELECT coalesce(sum(CASE kind WHEN 'captured' THEN entry.amount
                                      WHEN 'refunded' THEN -entry.amount END), 0)::bigint
        FROM orders_paymententry AS entry JOIN orders_payment AS payment
        ON payment.id = entry.payment_id WHERE payment.order_id = shop.id
    ), (
        SELECT coalesce(max(failed), 0) FROM (
            SELECT count(*) AS failed FROM orders_sagaattempt AS attempt
            JOIN orders_sagastep AS step ON step.id = attempt.step_id
            WHERE step.run_id = run.id AND outcome IN ('failed', 'unknown')
              AND (NOT attempt.backwards OR status = 'needs_person')
            GROUP BY step.id, attempt.backwards
        ) AS tries
    ), {HAS_DIED}
    FROM orders_order AS shop LEFT JOIN orders_sagarun AS run
    ON run.order_id = shop.id AND run.saga = 'order' WHERE email LIKE '%%@chaos.example'
"""  # noqa: S608 - constants of this module
_TAKEN = """
    SELECT sku, on_hand, (
        SELECT coalesce(sum(quantity), 0)::bigint FROM orders_orderline AS line
        WHERE line.product_id = product.id AND line.hold = 'taken'
    ) FROM pricing_stock AS stock JOIN pricing_product AS product ON product.id = stock.product_id
    WHERE sku LIKE 'CHAOS-G%%'
"""
