"""Orders: place, go on, meet faults, die, cancel, redrive, refund, in any order.

After each act the stock is what the lines say, an order has one payment that moved money and one
parcel at most, and its status went where it may. In the end, with a person's help, each order was
shipped and charged once, or is cancelled with nothing held, charged, reserved or shipped.
"""

from collections import Counter

import pytest
from django.core import mail
from hypothesis.stateful import (
    invariant,
)

from orders.models import Order, OrderLine, SagaStep
from tests.orders.outcomes import outcome_of
from tests.orders.shop import stock_of
from tests.stateful.profiles import Effort, explore
from tests.stateful.saga_acts import IN_STOCK, Placed
from tests.stateful.saga_stories import Stories
from tests.stateful.saga_world import messages_of, run, shops, was_given_up


class SagaMachine(Stories):
    """The other half: what must be so after each act, and in the end."""

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
            if sent:
                assert not {"requires_capture", "succeeded", "refunded"}.isdisjoint(money)
            if order.status == "placed" and "succeeded" in money:
                assert sent
            if order.status == "shipped" and not order.refunded:
                assert (money, sent) == (["succeeded"], 1)
            if order.status == "cancelled":
                assert not {"requires_capture", "succeeded"}.intersection(money)
                assert not sent
            mails = [one for one in mail.outbox if str(order.id) in one.subject]
            assert len(mails) <= 1

    @invariant()
    def steps_go_where_they_may(self) -> None:
        self.check_steps()

    def teardown(self) -> None:
        """Once all is well, and a person has seen to what waited for one, each has its end."""
        shops[0].control.reset()
        for order in self.orders.values():
            self._work_off(order)
            placed = Order.objects.get(pk=order.id)
            assert placed.status in ("shipped", "cancelled"), (placed.status, placed.reason)
            assert not (order.cancelled and placed.status == "shipped")
            outcome_of(placed, shops[0])
            if placed.status == "cancelled" and not order.cancelled:
                assert was_given_up(placed) or placed.reason.startswith("out of stock"), (
                    placed.reason
                )
            if placed.status == "shipped":
                self._check_receipt(order)
        self.the_stock_is_what_the_lines_say()
        sold = sum(one.quantity for one in self.orders.values() if self._is_sold(one))
        assert stock_of(self.sku) == (IN_STOCK - sold, 0)

    # ---------------------------------------------------------------------------------------------

    def _is_sold(self, order: Placed) -> bool:
        return Order.objects.get(pk=order.id).status == "shipped" and not order.refunded

    def _check_receipt(self, order: Placed) -> None:
        step = SagaStep.objects.get(run__order=order.id, run__saga="receipt")
        mails = [one for one in mail.outbox if str(order.id) in one.subject]
        assert len(mails) == 1 or step.state == "in_doubt"

    def _work_off(self, order: Placed) -> None:
        for _ in range(100):
            waiting, dead = messages_of(order.id, "pending"), messages_of(order.id, "dead")
            if waiting:
                run(waiting[0])
            elif dead:
                self.redrive_all(order)
            else:
                return
        raise AssertionError("it did not come to rest")


EFFORT = Effort(examples=20, acts=8)


@pytest.mark.usefixtures("saga_world")
def test_an_order_has_one_of_its_ends() -> None:
    explore(SagaMachine, EFFORT)
