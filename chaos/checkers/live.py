"""What must be true at every read, while everything goes on. One statement each: one snapshot."""

from collections.abc import Iterator

from chaos.checkers.books import Harm, Violation
from chaos.observer import Observer


def check(observer: Observer) -> list[Violation]:
    """All of them, now. Raises OutOfSight."""
    checks = (ledger, holds, prices, stock)
    return [violation for one in checks for violation in one(observer)]


def ledger(observer: Observer) -> Iterator[Violation]:
    """A community's credits are the sum of its ledger's entries, and not negative."""
    for slug, balance, entries in observer.ask(_LEDGER):
        if balance != entries or balance < 0:
            harm = Harm.LOST if balance < entries else Harm.DOUBLED
            yield Violation("ledger", harm, slug, f"credits {balance}, entries {entries}")


def holds(observer: Observer) -> Iterator[Violation]:
    """What is held is what the texts cost whose outcome is open."""
    for slug, held, texts in observer.ask(_HOLDS):
        if held != texts:
            harm = Harm.LOST if held < texts else Harm.DOUBLED
            yield Violation("holds", harm, slug, f"held {held}, open texts cost {texts}")


def prices(observer: Observer) -> Iterator[Violation]:
    """A price is its last change, is not negative, and its version counts the changes."""
    for sku, price, version, last, changes in observer.ask(_PRICES):
        what = f"price {price}, last change {last}; version {version}, changes {changes}"
        yield Violation("prices", Harm.LOST, sku, what)


def stock(observer: Observer) -> Iterator[Violation]:
    """What is reserved is what open orders hold, and no more than is there."""
    for sku, on_hand, reserved, held in observer.ask(_STOCK):
        what = f"on hand {on_hand}, reserved {reserved}, held by orders {held}"
        yield Violation("stock", Harm.LOST if reserved < held else Harm.DOUBLED, sku, what)


_LEDGER = """
    SELECT slug, credits, (SELECT coalesce(sum(amount), 0)::bigint FROM credits_creditentry AS entry
                           WHERE entry.community_id = community.id)
    FROM credits_community AS community
"""
_HOLDS = """
    SELECT slug, held, (SELECT coalesce(sum(segments), 0)::bigint
                        FROM credits_textmessage AS text JOIN credits_campaign AS campaign
                        ON campaign.id = text.campaign_id
                        WHERE campaign.community_id = community.id
                          AND text.state IN ('queued', 'sending', 'unknown'))
    FROM credits_community AS community
"""
_PRICES = """
    SELECT sku, price, product.version, last.new_price, counted.changes
    FROM pricing_product AS product LEFT JOIN LATERAL (
        SELECT new_price, version FROM pricing_pricechange AS change
        WHERE change.product_id = product.id ORDER BY version DESC LIMIT 1
    ) AS last ON true CROSS JOIN LATERAL (
        SELECT count(*) AS changes FROM pricing_pricechange AS change
        WHERE change.product_id = product.id
    ) AS counted
    WHERE price < 0 OR price IS DISTINCT FROM last.new_price
       OR product.version IS DISTINCT FROM last.version OR product.version <> counted.changes
"""
_STOCK = """
    SELECT sku, on_hand, reserved, held FROM pricing_stock AS stock
    JOIN pricing_product AS product ON product.id = stock.product_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS held FROM orders_orderline AS line
        WHERE line.product_id = stock.product_id AND line.hold = 'held'
    ) AS lines
    WHERE reserved <> held OR reserved > on_hand OR reserved < 0
"""
