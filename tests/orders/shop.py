"""Orders for tests, placed as users place them, and worked off in this process by the consumer."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from orders import services
from orders.models import Order
from outbox import consumer, execution, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.tally import Tally
from pricing import services as pricing
from pricing.models import Product, Stock
from sandbox.control import Control
from tests.pricing.shop import make_product
from tests.sandbox.process import SandboxProcess
from tests.sandbox.waiting import until

providers: list[Control] = []
"""Of the shop at hand: theirs is the log that says whether they are still at work."""


def shop_at(sandbox: SandboxProcess, *, timeout: float = 5) -> Any:
    """The settings that point the real clients at a sandbox."""
    providers[:] = [sandbox.control]
    secret = sandbox.credentials
    return replace(
        settings.SHOP,
        stripe_api_key=secret.stripe_api_key,
        stripe_webhook_secret=secret.stripe_webhook_secret,
        stripe_base_url=sandbox.url,
        carrier_url=sandbox.url,
        carrier_token=secret.carrier_token,
        timeout=timeout,
    )


def stocked(sku: str = "BOOK", *, on_hand: int = 10, price: str = "10.00") -> Product:
    """A product of which so many are on hand."""
    product = make_product(sku, price=price)
    pricing.set_stock(sku=sku, on_hand=on_hand)
    return product


def place(
    quantity: int = 2, *, sku: str = "BOOK", payment_method: str = "pm_card_visa", **more: Any
) -> Order:
    """Place an order of one product."""
    return services.place_order(
        actor="test",
        lines=[{"sku": sku, "quantity": quantity}],
        payment_method=payment_method,
        **more,
    )


def work_off(*, rounds: int = 200, until: Any = lambda: False) -> None:
    """Run the messages of orders until none is left; a delay or a lease is over at once."""
    for _ in range(rounds):
        if until() or not step_once():
            return
    raise AssertionError("it did not come to rest")


def step_once() -> bool:
    """Run the messages that are due by their order, delays skipped. False: nothing waits."""
    waiting = Message.objects.filter(state="pending", handler__startswith="orders.")
    message = waiting.order_by("due_at", "id").first()
    if message is None:
        return False
    if message.handler == "orders.run_step" and message.due_at > timezone.now():
        until(nobody_is_at_work)  # of a delay, this alone makes a difference to what comes next
    make_due(message)
    handler, here = handlers.get(message.handler), Delivery.here()
    if message.attempts or message.crashes or message.alone:
        consumer.consume(handler, [message.id], here)
    else:  # this one alone: a consumer would go on with what is due
        execution.run_first(handler, [message.id], here, Tally())
    return True


def nobody_is_at_work() -> bool:
    """Whether the providers have nothing left to do of what they were asked."""
    names = ("payments", "shipping")
    return not any(control.under_way(name) for control in providers for name in names)


def make_due(message: Message) -> None:
    """Let its time have come, and the lease be over whose end it waits for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_message SET due_at = now() - interval '1 second' WHERE id = %s",
            [message.id],
        )
        if message.handler == "orders.settle_attempt":
            cursor.execute(
                "UPDATE orders_sagaattempt SET lease_until = now() - interval '1 second'"
                " WHERE id = %s",
                [message.args["attempt_id"]],
            )


def again(order: Order) -> Order:
    """The order as it is by now."""
    return Order.objects.get(pk=order.pk)


def stock_of(sku: str = "BOOK") -> tuple[int, int]:
    """How many are on hand, and how many of those are reserved."""
    stock = Stock.objects.get(product__sku=sku)
    return stock.on_hand, stock.reserved
