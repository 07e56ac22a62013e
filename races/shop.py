"""Products and reductions for the races of pricing, made through its services."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import connection

from outbox import consumer, handlers, relay
from outbox.delivery import Delivery
from outbox.pace import Pace
from pricing import services
from pricing.csv_lines import ProductLine
from pricing.models import PriceChange, PriceReduction, Product

HANDLER = "pricing.apply_reduction"

REDUCTION_HELD = {
    "FOR NO KEY UPDATE OF pricing_product": "the reduction's row lock comes first here; it is "
    "taken against other reductions (overlapping_reductions_both_count)",
}
"""What the lock of the reduction makes spare, in races of one reduction."""

CLAIMED_BEFORE = {
    "FOR NO KEY UPDATE OF pricing_pricereduction": "the message's row lock comes first here; it is "
    "taken against whoever comes past the message (a_chunked_run_survives_its_death)",
    "FOR NO KEY UPDATE OF pricing_product": "the message's row lock comes first here; it is taken "
    "against other reductions (overlapping_reductions_both_count)",
    "message.state = ": "that a message was never run says the same of a first run",
    "state = 'pending' in UPDATE outbox_message": "a second line behind the claim; its count is "
    "checked",
}
"""What the consumer's claim of the message makes spare, in races of one message."""


_scheduled: list[PriceReduction] = []
"""What setup has scheduled: a worker is told its reduction, and need not look for it."""


def stock(*skus: str, price: str = "100.00", category: str = "Books") -> None:
    """Products at one price, in one category; the first thing in a setup."""
    _scheduled.clear()
    lines = [
        ProductLine(line=number, sku=sku, name=sku, category=category, price=Decimal(price))
        for number, sku in enumerate(skus, start=2)
    ]
    services.import_products(lines, actor="race")


def reduce(**terms: Any) -> PriceReduction:
    """Schedule a reduction: 10 % off, unless said otherwise."""
    terms = {"percent": "10", "actor": "race"} | terms
    return services.schedule_reduction(**terms)


def scheduled(**terms: Any) -> None:
    """A reduction whose message is long due: no step of the clock makes it early."""
    _scheduled.append(PriceReduction.objects.get(pk=reduce(**terms).pk))
    make_messages_overdue()


def apply(number: int = 0) -> None:
    """Let the service apply the nth reduction."""
    services.apply_reduction(reduction_id=str(_scheduled[number].pk))


def cancel(number: int = 0) -> None:
    """Let the service cancel the nth reduction; raises NotCancellable."""
    services.cancel_reduction(reduction_id=_scheduled[number].pk, actor="race")


def consume(number: int | None = None) -> dict[str, int]:
    """What a worker does when a dispatch arrives: with the nth message's id, or with none."""
    ids = [] if number is None else [_scheduled[number].message_id]
    wanted = [each for each in ids if each is not None]
    return consumer.consume(handlers.get(HANDLER), wanted, Delivery.here(), _steady()).as_dict()


def consume_all(handler: str) -> None:
    """What a worker does when a dispatch without ids arrives."""
    consumer.consume(handlers.get(handler), [], Delivery.here(), _steady())


def _steady() -> Pace:
    """However long a schedule makes a message take, the next record is as large as ever."""
    return Pace(moment=float("inf"))


def make_messages_overdue() -> None:
    """So long due that the relay rings for them, as if all had been made an hour ago."""
    with connection.cursor() as cursor:
        cursor.execute(_AN_HOUR_AGO)


def time_passes_and_the_relay_rings(handler: str = HANDLER) -> None:
    """What the running system does after a crash: the relay looks, workers find what is due."""
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE outbox_run SET started_at = started_at - interval '1 hour'")
            cursor.execute(_AN_HOUR_AGO)
        relay.run_once()
        consume_all(handler)


_AN_HOUR_AGO = """
    UPDATE outbox_message
    SET due_at = due_at - interval '1 hour', created_at = created_at - interval '1 hour'
"""


def reductions() -> list[PriceReduction]:
    """All reductions, in the order in which they were scheduled."""
    return list(PriceReduction.objects.order_by("pk"))


def price(sku: str = "A") -> Decimal:
    """What the product costs."""
    return Product.objects.get(sku=sku).price


def assert_history_agrees() -> None:
    """Every price is the new price of its last change, and each change begins where one ended."""
    for product in Product.objects.all():
        changes = list(PriceChange.objects.filter(product=product).order_by("version"))
        assert changes[-1].new_price == product.price, f"{product.sku}: price and history differ"
        assert changes[-1].version == product.version, f"{product.sku}: version and history differ"
        for before, after in pairwise(changes):
            assert after.old_price == before.new_price, f"{product.sku}: a change began elsewhere"
