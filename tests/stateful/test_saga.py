"""Orders: place, go on, meet faults, die, cancel, redrive, refund, in any order.

After each act the stock is what the lines say, an order has one payment that moved money and one
parcel at most, and its status went where it may. In the end, with a person's help, each order was
shipped and charged once, or is cancelled with nothing held, charged, reserved or shipped.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orders import services
from orders.inputs import InvalidInput
from orders.models import Order, OrderLine
from outbox import deadletters, runs
from outbox.models import Message, Run
from tests.orders.outcomes import outcome_of
from tests.orders.shop import place, stock_of, stocked
from tests.orders.test_crashes import POINTS, Killed, killed_at
from tests.stateful.profiles import Effort
from tests.stateful.saga_world import (
    FAULTS,
    NEXT,
    frozen,
    messages_of,
    met,
    numbers,
    run,
    shops,
    was_refused,
)

IN_STOCK = 6
ENDED = ("shipped", "cancelled")


@dataclass
class Placed:
    """What the model knows of an order."""

    id: UUID
    quantity: int
    declined: bool
    status: str = "placed"
    cancelled: bool = False
    refunded: bool = False


class SagaMachine(RuleBasedStateMachine):
    """Customers, workers that may die, providers that fail, a person at the desk."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[Any, Placed] = {}
        self.frozen: list[Any] = []
        self.sku = f"BOOK-{next(numbers)}"
        Message.objects.all().delete()
        Run.objects.all().delete()
        shops[0].control.clear()
        mail.outbox.clear()
        stocked(self.sku, on_hand=IN_STOCK)

    @rule(
        quantity=some.integers(1, 4),
        method=some.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined"]),
        key=some.sampled_from([None, None, "k"]),
    )
    def place(self, quantity: int, method: str, key: str | None) -> None:
        name = key or len(self.orders)
        asked = {"sku": self.sku, "payment_method": method, "key": f"{self.sku} {name}"}
        asked["email"] = "anna@example.com"
        wanted, known = Placed(UUID(int=0), quantity, "Declined" in method), self.orders.get(name)
        on_hand, reserved = stock_of(self.sku)
        if known and (known.quantity, known.declined) == (quantity, wanted.declined):
            assert place(quantity, **asked).pk == known.id
        elif known:
            with pytest.raises(services.KeyReused):
                place(quantity, **asked)
        elif quantity > on_hand - reserved:
            with pytest.raises(InvalidInput):
                place(quantity, **asked)
        else:
            wanted.id = place(quantity, **asked).pk
            self.orders[name] = wanted

    @precondition(lambda self: self.orders)
    @rule(data=some.data(), fault=some.sampled_from(["", *FAULTS]))
    def go_on(self, data: Any, fault: str) -> None:
        """The order's next message, or any other that waits; its calls may meet a fault."""
        message = self._draw_message(data, "pending")
        if message:
            with met(fault):
                run(message)

    @precondition(lambda self: self.orders)
    @rule(data=some.data(), point=some.sampled_from(sorted(POINTS)), nth=some.integers(0, 1))
    def die(self, data: Any, point: str, nth: int) -> None:
        """The worker dies at a point, if it comes to that; the relay notices."""
        message = self._draw_message(data, "pending")
        if message is None:
            return
        with (
            pytest.MonkeyPatch.context() as patch,
            killed_at(patch, POINTS[point], nth),
            suppress(Killed),
        ):
            run(message)
        runs.collect_crashed()

    @precondition(lambda self: self.orders)
    @rule(data=some.data(), where=some.sampled_from(["make_call", "record"]))
    def freeze(self, data: Any, where: str) -> None:
        """The worker stands still before its call, or before it says how that ended."""
        message = self._draw_message(data, "pending")
        if message:
            with frozen(where) as held:
                run(message)
            self.frozen += held

    @precondition(lambda self: self.frozen)
    @rule(data=some.data(), fault=some.sampled_from(["", *FAULTS]))
    def thaw(self, data: Any, fault: str) -> None:
        act = data.draw(some.sampled_from(self.frozen))
        self.frozen.remove(act)
        with met(fault):
            act()

    @precondition(lambda self: self.orders)
    @rule(data=some.data())
    def deliver_again(self, data: Any) -> None:
        """As if its end had not been written down: keys, states and fences have to hold."""
        message = self._draw_message(data, "done")
        if message:
            again = {"state": "pending", "finished_at": None, "attempts": 0}
            Message.objects.filter(pk=message.pk).update(**again)
            message.refresh_from_db()
            run(message)

    @precondition(lambda self: self.orders)
    @rule(data=some.data())
    def cancel(self, data: Any) -> None:
        order = self._draw(data)
        try:
            services.cancel_order(order_id=order.id, actor="customer")
        except services.NotCancellable:
            assert not order.cancelled or order.status == "needs_person"
        else:
            order.cancelled = True

    @precondition(lambda self: any(one.status == "needs_person" for one in self.orders.values()))
    @rule(data=some.data())
    def redrive(self, data: Any) -> None:
        stuck = [one for one in self.orders.values() if one.status == "needs_person"]
        self._redrive(data.draw(some.sampled_from(stuck)))

    @precondition(lambda self: self.orders)
    @rule(data=some.data())
    def refund(self, data: Any) -> None:
        order = self._draw(data)
        if order.status == "shipped":
            services.refund_order(order_id=order.id, reason="broken", actor="person")
            order.refunded = True
        else:
            with pytest.raises(services.NotRefundable):
                services.refund_order(order_id=order.id, reason="broken", actor="person")

    @rule(lag=some.sampled_from([0, 60]))
    def the_provider_forgets(self, lag: int) -> None:
        """Its idempotency keys; and its search may not know what is new."""
        shops[0].control.forget_idempotency_keys()
        shops[0].control.turn("payments_search_lag_seconds", lag)

    # What must be so after each act --------------------------------------------------------------

    @invariant()
    def the_stock_is_what_the_lines_say(self) -> None:
        lines = OrderLine.objects.filter(product__sku=self.sku).values_list("hold", "quantity")
        booked = Counter[str]()
        for hold, quantity in lines:
            booked[hold] += quantity
        assert stock_of(self.sku) == (IN_STOCK - booked["taken"], booked["held"])

    @invariant()
    def each_order_has_one_payment_and_one_parcel_at_most(self) -> None:
        moved = {str(one.id): list[str]() for one in self.orders.values()}
        for one in shops[0].control.log("payments"):
            moved[one["order"]].append(one["status"])
        parcels = Counter(one["order"] for one in shops[0].control.log("shipping"))
        for order in self.orders.values():
            money, sent = moved[str(order.id)], parcels[str(order.id)]
            assert len(money) <= 1
            assert sent <= 1
            if order.status == "shipped" and not order.refunded:
                assert (money, sent) == (["succeeded"], 1)
            if order.status == "cancelled":
                assert not {"requires_capture", "succeeded"}.intersection(money)
                assert not sent
            mails = [one for one in mail.outbox if str(order.id) in one.subject]
            assert len(mails) <= 1

    @invariant()
    def each_order_goes_where_it_may(self) -> None:
        statuses = dict(Order.objects.values_list("pk", "status"))
        for order in self.orders.values():
            now = statuses[order.id]
            assert now in NEXT[order.status]
            assert not (order.cancelled and now in ("placed", "shipped"))
            order.status = now
            if now == "needs_person":
                assert messages_of(order.id, "dead")
            elif now not in ENDED:
                assert messages_of(order.id, "pending")

    def teardown(self) -> None:
        """Once all is well, and a person has seen to what waited for one, each has its end."""
        shops[0].control.reset()
        for order in self.orders.values():
            self._work_off(order)
            placed = Order.objects.get(pk=order.id)
            assert placed.status in ENDED, (placed.status, placed.reason)
            assert not (order.cancelled and placed.status == "shipped")
            if order.refunded:
                (money,) = (
                    one for one in shops[0].control.log("payments") if one["order"] == str(order.id)
                )
                assert money["status"] == "refunded"
            else:
                outcome_of(placed, shops[0])
            if placed.status == "cancelled" and not order.cancelled:
                assert was_refused(placed) or placed.reason.startswith("out of stock"), (
                    placed.reason
                )
        self.the_stock_is_what_the_lines_say()

    # ---------------------------------------------------------------------------------------------

    def _work_off(self, order: Placed) -> None:
        for _ in range(100):
            waiting, dead = messages_of(order.id, "pending"), messages_of(order.id, "dead")
            if waiting:
                run(waiting[0])
            elif dead:
                self._redrive(order)
            else:
                return
        raise AssertionError("it did not come to rest")

    def _redrive(self, order: Placed) -> None:
        for message in messages_of(order.id, "dead"):
            deadletters.redrive(message.pk, actor="person")

    def _draw(self, data: Any) -> Placed:
        return self.orders[data.draw(some.sampled_from(list(self.orders)))]

    def _draw_message(self, data: Any, state: str) -> Message | None:
        """Mostly the first: an order goes on in its own order, and sometimes does not."""
        found = messages_of(self._draw(data).id, state)
        place = data.draw(some.sampled_from([0, 0, 0, 1, 2]))
        return found[min(place, len(found) - 1)] if found else None


@pytest.mark.usefixtures("saga_world")
def test_an_order_has_one_of_its_ends() -> None:
    run_state_machine_as_test(SagaMachine, settings=Effort(examples=20, acts=30).settings())
