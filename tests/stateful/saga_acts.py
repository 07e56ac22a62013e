"""What customers, workers, providers and the desk do to orders: the half of the machine in
test_saga.py that acts."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orders import services
from orders.inputs import InvalidInput
from orders.models import Order
from outbox import deadletters, runs
from outbox.models import Message, Run
from tests.orders.shop import place, stock_of, stocked
from tests.orders.test_crashes import POINTS, Killed, killed_at
from tests.stateful.saga_world import (
    KINDS,
    NEXT,
    OPERATIONS,
    faults_of,
    frozen,
    is_charging,
    messages_of,
    met,
    numbers,
    run,
    shops,
    stands_on_its_way,
)

FAULTS = ["", *(f"{operation} {kind}" for operation in OPERATIONS for kind in KINDS)]
WHERE = some.sampled_from(["make_call", "record"])
IN_STOCK = 6


@dataclass
class Placed:
    """What the model knows of an order."""

    id: UUID
    quantity: int
    declined: bool
    status: str = "placed"
    cancelled: bool = False
    refunded: bool = False


class Shop(RuleBasedStateMachine):
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

    @rule(data=some.data(), times=some.sampled_from([4, 8, 12]))
    def things_happen(self, data: Any, times: int) -> None:
        """Whatever may come next comes, mostly what an order waits for."""
        for _ in range(times):
            data.draw(some.sampled_from(self._possible()))(data)
            self.each_order_goes_where_it_may()

    def _possible(self) -> list[Callable[[Any], None]]:
        stuck = any(one.status == "needs_person" for one in self.orders.values())
        charging = any(self._is_being_charged(one) for one in self.orders.values())
        return [
            *[self._go_on] * 6,
            *(self._freeze, self._die, self.deliver_again),
            *[self._thaw] * (2 * bool(self.frozen)),
            *[self.redrive] * stuck,
            *[self.cancel] * (2 * charging),
        ]

    def _go_on(self, data: Any) -> None:
        self.go_on(data, 1, data.draw(some.booleans()))

    def _freeze(self, data: Any) -> None:
        self.freeze(data, data.draw(WHERE))

    def _die(self, data: Any) -> None:
        self.die(data, data.draw(some.sampled_from(sorted(POINTS))), 0)

    def _thaw(self, data: Any) -> None:
        self.thaw(data, data.draw(some.sampled_from(FAULTS)))

    @precondition(lambda self: self.orders)
    @rule(data=some.data(), times=some.sampled_from([1, 2, 5, 9]), faulty=some.booleans())
    def go_on(self, data: Any, times: int, faulty: bool) -> None:
        """The order's next messages, or any other that waits; the last call may meet a fault."""
        order = self._draw(data)
        for _ in range(times - 1):
            if first := messages_of(order.id, "pending"):
                run(first[0])
        message = self._draw_message(data, "pending", order)
        if message:
            faults = faults_of(message)
            with met(data.draw(some.sampled_from(faults)) if faulty else ""):
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
    @rule(data=some.data(), where=WHERE)
    def freeze(self, data: Any, where: str) -> None:
        """The worker stands still before its call, or before it says how that ended."""
        message = self._draw_message(data, "pending")
        if message:
            with frozen(where) as held:
                run(message)
            self.frozen += held

    @precondition(lambda self: self.frozen)
    @rule(data=some.data(), fault=some.sampled_from(FAULTS))
    def thaw(self, data: Any, fault: str) -> None:
        self.thaw_one(data.draw(some.sampled_from(self.frozen)), fault)

    def thaw_one(self, act: Any, fault: str) -> None:
        self.frozen.remove(act)
        with met(fault):
            act()

    @precondition(lambda self: self.orders)
    @rule(data=some.data())
    def deliver_again(self, data: Any) -> None:
        """As if its end had not been written down: keys, states and fences have to hold."""
        message = self._draw_message(data, "done")
        if message:
            self.deliver_once_more(message)

    def deliver_once_more(self, message: Message) -> None:
        again = {"state": "pending", "finished_at": None, "attempts": 0}
        Message.objects.filter(pk=message.pk).update(**again)
        message.refresh_from_db()
        run(message)

    @precondition(lambda self: self.orders)
    @rule(data=some.data())
    def cancel(self, data: Any) -> None:
        charging = [one for one in self.orders.values() if self._is_being_charged(one)]
        self.cancel_one(data.draw(some.sampled_from(charging)) if charging else self._draw(data))

    def cancel_one(self, order: Placed) -> None:
        turned = order.status in ("cancelling", "cancelled")
        on_its_way = order.status == "placed" or stands_on_its_way(order.id)
        possible = turned or (on_its_way and not is_charging(order.id))
        refused = False
        try:
            services.cancel_order(order_id=order.id, actor="customer")
        except services.NotCancellable:
            refused = True
        assert refused is not possible
        order.cancelled |= possible

    @precondition(lambda self: any(one.status == "needs_person" for one in self.orders.values()))
    @rule(data=some.data())
    def redrive(self, data: Any) -> None:
        stuck = [one for one in self.orders.values() if one.status == "needs_person"]
        self.redrive_all(data.draw(some.sampled_from(stuck)))

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

    @invariant()
    def each_order_goes_where_it_may(self) -> None:
        statuses = dict(Order.objects.values_list("pk", "status"))
        for order in self.orders.values():
            now = statuses[order.id]
            assert now in NEXT[order.status]
            assert not (order.cancelled and now in ("placed", "shipped"))
            order.status = now
            if now not in ("needs_person", "shipped", "cancelled"):
                assert messages_of(order.id, "pending")

    # ---------------------------------------------------------------------------------------------

    def _is_being_charged(self, order: Placed) -> bool:
        return order.status == "placed" and is_charging(order.id)

    def redrive_all(self, order: Placed) -> None:
        for message in messages_of(order.id, "dead"):
            deadletters.redrive(message.pk, actor="person")

    def _draw(self, data: Any) -> Placed:
        return self.orders[data.draw(some.sampled_from(list(self.orders)))]

    def _draw_message(self, data: Any, state: str, order: Placed | None = None) -> Message | None:
        """Mostly the first: an order goes on in its own order, and sometimes does not."""
        found = messages_of((order or self._draw(data)).id, state)
        place = data.draw(some.sampled_from([0, 0, 0, 1, 2]))
        return found[min(place, len(found) - 1)] if found else None
