"""Reductions: each accepted one is there once, and took its cent off each of its prices once."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from chaos.catalogue import BUNDLE, PRICE
from chaos.checkers.books import Books, Harm, Violation, of_nobody, presence

CENT = Decimal("0.01")
KINDS = ("probe", "reduction", "category")


def check(books: Books) -> Iterator[Violation]:
    """By the second in which each expires, which no other request shares."""
    requests = books.journal.of(*KINDS)
    rows = books.observer.insist(_REDUCTIONS)
    marks = Counter(_mark(expires_at) for expires_at, *_ in rows)
    yield from presence("reductions", requests, marks)
    yield from of_nobody("reductions", requests, marks)
    placed = {request.about: request.placed_at for request in requests}
    for expires_at, category, status, changes, off in rows:
        mark = _mark(expires_at)
        products = len(BUNDLE) if category else 1
        what = f"{status}, {changes} price changes of {products}, {off} taken off"
        if status != "applied" or changes < products or off < CENT * products:
            yield Violation("reductions", Harm.LOST, mark, what, placed.get(mark))
        elif changes > products or off > CENT * products:
            yield Violation("reductions", Harm.DOUBLED, mark, what, placed.get(mark))
    yield from _prices(books)


def _prices(books: Books) -> Iterator[Violation]:
    """The price that is left, against the price that the requests leave: no row in between."""
    for sku, price, applied in books.observer.insist(_LEFT):
        expected = Decimal(PRICE) - CENT * applied
        if price != expected:
            harm = Harm.LOST if price > expected else Harm.DOUBLED
            yield Violation("prices", harm, sku, f"price {price}, and {expected} would be right")


def _mark(expires_at: datetime) -> str:
    return expires_at.isoformat()


_REDUCTIONS = """
    SELECT expires_at, category <> '', status, count(change.id),
           coalesce(sum(change.old_price - change.new_price), 0)
    FROM pricing_pricereduction AS reduction
    LEFT JOIN pricing_pricechange AS change ON change.reduction_id = reduction.id
    WHERE expires_at >= '2100-01-01'
    GROUP BY reduction.id
"""
_LEFT = """
    SELECT sku, price, (
        SELECT count(*) FROM pricing_reductiontarget AS target
        JOIN pricing_pricereduction AS reduction ON reduction.id = target.reduction_id
        WHERE target.product_id = product.id AND reduction.status = 'applied'
    ) FROM pricing_product AS product
    WHERE sku LIKE 'CHAOS-R%%' OR sku LIKE 'CHAOS-B%%' OR sku LIKE 'CHAOS-P%%'
"""
