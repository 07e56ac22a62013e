"""Orders, a bank and a carrier for the races of sagas, made through the shop's own services.

The providers live in memory and behave as the real ones do: the bank has one intent, which never
holds anything once it is cancelled, and knows a refund by our key; the carrier knows a parcel by
our reference, also one that was cancelled before it was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.db import connection

from orders import clock, services
from orders.calls import Refused as Refused  # scenarios catch it by this name
from orders.engine import calling, results, steps
from orders.models import Order, Payment, SagaAttempt, SagaRun, SagaStep
from orders.providers import carrier, stripe_api
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from pricing import services as pricing
from races import shop
from races.explorer import point

INTENT = "pi_1"
LEASE = timedelta(days=1)

SPARE = {
    "order_id =": "it says whose rows are meant, and there is one order here",
    "product_id =": "it says which row is meant, and there is one product here",
    "orders_sagarun.saga =": "it says which saga is meant, and there is one here",
    "used_at IS NULL": "it tells a first use from a repetition, which looks first; it stops nobody",
    "orders_sagaattempt.outcome =": "a second line behind the run's row lock, under which the "
    "outcome is read; its count is checked",
    "orders_orderline.hold =": "a second line behind the run's row lock; its count is checked",
    "on_hand >=": "there is enough on hand here",
    "reserved >=": "nobody gives back more than is reserved; a CHECK says so as well",
}
"""What is not there for the races of one order, and what it is there for."""

CLOSED_ONCE = {
    "FOR NO KEY UPDATE OF orders_sagarun": "the attempt is closed by an update whose count is "
    "checked, too: who comes second fails, and finds it ended the next time",
    **SPARE,
}
"""The same of two who end one attempt."""

HELD_ELSEWHERE = {
    "FOR NO KEY UPDATE OF orders_sagarun": "each line says what was booked for it, and the next "
    "step's message has a key: who comes second finds nothing left to do",
    **SPARE,
}
"""The same of the steps in our own database."""

ON_HAND, ORDERED = 10, 2
CENTS = ORDERED * 1_000
"""What the order costs."""

parcels: dict[str, str] = {}
"""The carrier's books: a status for each reference, and one that nobody named is always new."""

bank = SimpleNamespace(status="requires_confirmation", refunds={})
"""The bank's books: the one intent, and the refunds by their keys."""

# -- an order, and how far it is


def placed(*done: str) -> None:
    """An order, of whose saga these steps are done; its payment's intent is known."""
    new_day()
    shop.stock("A", price="10.00")
    pricing.set_stock(sku="A", on_hand=ON_HAND)
    services.place_order(
        actor="race", lines=[{"sku": "A", "quantity": ORDERED}], payment_method="pm_card_visa"
    )
    Payment.objects.update(intent=INTENT)
    for name in done:
        take(name)


def take(name: str, *, undo: bool = False) -> None:
    """What a worker does when a step's message arrives."""
    steps.run_step(run_id=str(run().pk), name=name, undo=undo)


def begin(name: str) -> None:
    """A worker has committed that it is calling; where it is now, nobody knows."""
    with patch.object(calling, "make_call"):
        take(name)


def call() -> None:
    """The worker that has begun goes on: its call, and how that ended."""
    calling.make_call(attempt().pk)


def settle() -> None:
    """The lease is over, and the message that waited for its end arrives."""
    end_leases()
    results.settle_attempt(attempt_id=str(attempt().pk))


def end_leases() -> None:
    """Time passes."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_sagaattempt SET lease_until = now() - interval '1 second'")


def cancel() -> str:
    """A customer cancels."""
    try:
        services.cancel_order(order_id=order().pk, actor="race")
    except services.NotCancellable:
        return "too late, and told"
    return "cancelled"


def time_passes() -> None:
    """Leases end, and workers find what is due, until nothing is left to do."""
    waiting = Message.objects.filter(state="pending", handler__startswith="orders.")
    while message := waiting.order_by("due_at", "id").first():
        end_leases()
        shop.make_messages_overdue()
        consumer.consume(handlers.get(message.handler), [message.id], Delivery.here())


# -- what there is now


def order() -> Order:
    """The one that there is."""
    return Order.objects.get()


def run() -> SagaRun:
    """Its saga."""
    return SagaRun.objects.get()


def step(name: str) -> SagaStep:
    """A step of its saga."""
    return SagaStep.objects.get(name=name)


def attempt() -> SagaAttempt:
    """The first attempt that is there to be ended."""
    return SagaAttempt.objects.latest("pk")


# -- the providers


def new_day(*, intent: str = "requires_confirmation", parcel: str = "") -> None:
    """Before each schedule: the providers' books as the start of the race has them."""
    bank.status, bank.refunds = intent, {}
    parcels.clear()
    if parcel:
        parcels[_reference()] = parcel


def held() -> bool:
    """Whether the bank holds, or has taken and kept, the customer's money."""
    return bank.status in ("requires_capture", "succeeded") and not bank.refunds


def shipped() -> int:
    """How many parcels are under way."""
    return list(parcels.values()).count("created")


def ship(*, reference: str = "", order: str = "") -> str:
    """Ship under a reference; without one, once more each time."""
    point("the carrier ships", "carrier")
    reference = reference or f"parcel {len(parcels) + 1}"
    if parcels.setdefault(reference, "created") == "cancelled":
        raise Refused("cancelled before it was made")
    return "T1"


def under_way() -> int:
    """Ask the carrier how many parcels are."""
    point("the carrier is asked", "carrier")
    return shipped()


def call_back(*, reference: str) -> None:
    """Cancel a parcel, made or not."""
    point("the carrier cancels", "carrier")
    parcels[reference] = "cancelled"


def confirm(*, key: str, intent: str) -> Any:
    """Hold the amount, unless the intent is cancelled."""
    point("the bank holds the money", "bank")
    return _move({"requires_confirmation": "requires_capture"})


def capture(*, key: str, intent: str, amount: int) -> Any:
    """Take what is held."""
    point("the bank takes the money", "bank")
    return _move({"requires_capture": "succeeded"})


def let_go(*, key: str, intent: str) -> Any:
    """Cancel the intent, unless its money is taken."""
    point("the bank lets go of the money", "bank")
    return _move(dict.fromkeys(("requires_confirmation", "requires_capture"), "canceled"))


def refund(*, key: str = "", **_: Any) -> Any:
    """Give back; once for each key, and without one once more each time."""
    point("the bank gives the money back", "bank")
    bank.refunds[key or f"refund {len(bank.refunds) + 1}"] = "succeeded"
    return SimpleNamespace(status="succeeded")


def look(intent: str) -> Any:
    """The intent as it is."""
    point("the bank is asked", "bank")
    return _shown()


def refunds(*, intent: str) -> list[Any]:
    """The refunds that there are."""
    point("the bank is asked for refunds", "bank")
    return [SimpleNamespace(status=one, amount=CENTS) for one in bank.refunds.values()]


@contextmanager
def providers() -> Iterator[None]:
    """Our own steps, with these providers behind them.

    Leases are long, so that they end when a schedule says so, however slow the machine is.
    """
    with (
        patch.object(steps, "clock", SimpleNamespace(after=lambda _: clock.after(LEASE))),
        patch.object(carrier, "create", ship),
        patch.object(carrier, "cancel", call_back),
        patch.multiple(
            stripe_api,
            confirm_intent=confirm,
            capture_intent=capture,
            cancel_intent=let_go,
            create_refund=refund,
            get_intent=look,
            list_refunds=refunds,
        ),
    ):
        yield


def _reference() -> str:
    return order().shipment.reference


def _move(allowed: dict[str, str]) -> Any:
    import stripe

    if bank.status not in allowed:
        raise stripe.InvalidRequestError(  # type: ignore[no-untyped-call]
            f"The intent is {bank.status}.", None, code="payment_intent_unexpected_state"
        )
    bank.status = allowed[bank.status]
    return _shown()


def _shown() -> Any:
    charged = bank.status in ("requires_capture", "succeeded", "canceled")
    return SimpleNamespace(
        id=INTENT,
        status=bank.status,
        amount_received=CENTS if bank.status == "succeeded" else 0,
        latest_charge=charged,
        last_payment_error=None,
    )
