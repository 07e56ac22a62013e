"""Orders, money and stock broken behind the application's back: found, mended, then silent."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction

import outbox
from orders import services
from orders.models import Order, OrderLine, PaymentEntry, PaymentEvent
from orders.reconciliation import stock
from outbox.ids import uuid7
from outbox.models import Message
from outbox.reconciliation import registered
from pricing.models import Stock
from tests.orders.broken import (
    execute,
    findings,
    make_old,
    past_the_trigger,
    shipped,
    types,
)
from tests.orders.shop import again, place, stock_of, stocked, work_off
from tests.reconciliation.person import acknowledge
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]
CHECKS = [name for name in registered() if name.startswith("orders.")]


def cancelled(sandbox: SandboxProcess) -> Order:
    stocked()
    order = place(payment_method="pm_card_chargeDeclined")
    work_off()
    assert again(order).status == "cancelled"
    return again(order)


def test_all_is_well_after_ordinary_work(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    place(payment_method="pm_card_chargeDeclined")
    work_off()
    services.refund_order(order_id=order.pk, reason="torn", actor="test")
    work_off()
    place()
    execute("UPDATE orders_sagarun SET created_at = created_at - interval '30 minutes'")
    assert [findings(name.partition(".")[2]) for name in CHECKS] == [[]] * len(CHECKS)


def run_it_again() -> None:
    outbox.redrive(Message.objects.get(state="discarded").pk, actor="ann")


@pytest.mark.parametrize(
    ("lose", "deal_with_it"),
    [
        ("UPDATE outbox_message SET state = 'discarded', finished_at = now()", run_it_again),
        ("DELETE FROM outbox_event; DELETE FROM outbox_message", acknowledge),
    ],
    ids=["discarded", "pruned"],
)
def test_whoever_needs_a_person_and_asks_none_is_found(
    sandbox: SandboxProcess, lose: str, deal_with_it: Callable[[], None]
) -> None:
    stocked()
    order = place()
    sandbox.control.force("payments", "refused", operation="capture")
    sandbox.control.force("shipping", "refused", operation="cancel")
    work_off()
    assert again(order).status == "needs_person"
    assert findings("nobody_is_asked") == [], "its dead letter does"
    execute("UPDATE outbox_message SET state = 'pending', finished_at = NULL WHERE state = 'dead'")
    assert findings("nobody_is_asked") == [], "somebody has redriven it"
    execute(f"{lose} WHERE state = 'pending'")
    assert types("nobody_is_asked") == [("nobody_is_asked", False)]
    deal_with_it()
    assert findings("nobody_is_asked") == []


# -- stock


def test_a_reservation_that_no_order_holds_is_found_and_mended(sandbox: SandboxProcess) -> None:
    stocked()
    execute("UPDATE pricing_stock SET reserved = 3")
    assert types("reserved_is_not_held") == [("reserved_is_not_held", True)]
    assert stock_of() == (10, 0)
    assert findings("reserved_is_not_held") == []


def test_of_all_lines_that_were_ever_sold_only_those_that_hold_are_read() -> None:
    product = stocked()
    execute(
        "WITH sold AS (INSERT INTO orders_order"
        " (id, operation_id, status, reason, total, payment_method, email, placed_by, finished_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'shipped', '', 1, 'x', '', 'test', now()"
        " FROM generate_series(1, 2000) RETURNING id)"
        " INSERT INTO orders_orderline (order_id, product_id, quantity, price, hold)"
        " SELECT id, %s, 1, 1, 'taken' FROM sold",
        product.pk,
    )
    execute("ANALYZE orders_orderline")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {stock._STOCK}", ["0", stock.PAGE])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "line_that_holds" in plan, plan
    assert findings("reserved_is_not_held") == []


def test_a_reservation_that_is_lost_is_made_again(sandbox: SandboxProcess) -> None:
    stocked()
    place()
    work_off(until=lambda: OrderLine.objects.get().hold == "held")
    execute("UPDATE pricing_stock SET reserved = 0")
    assert types("reserved_is_not_held") == [("reserved_is_not_held", True)]
    assert stock_of() == (10, 2)
    assert findings("reserved_is_not_held") == []


@pytest.mark.parametrize("reserved", [0, 2], ids=["of its line alone", "of the stock, too"])
def test_stock_held_for_a_cancelled_order_is_released(
    sandbox: SandboxProcess, reserved: int
) -> None:
    cancelled(sandbox)
    execute("UPDATE orders_orderline SET hold = 'held'")
    execute("UPDATE pricing_stock SET reserved = %s", reserved)
    assert types("held_for_a_finished_order") == [("held_for_a_finished_order", True)]
    assert (OrderLine.objects.get().hold, stock_of()) == ("released", (10, 0))
    assert findings("held_for_a_finished_order") == []
    assert findings("reserved_is_not_held") == []


@pytest.mark.parametrize(("reserved", "on_hand"), [(0, 8), (2, 10)], ids=["booked out", "not yet"])
def test_stock_held_for_a_shipped_order_is_taken_once(
    sandbox: SandboxProcess, reserved: int, on_hand: int
) -> None:
    shipped(sandbox)
    execute("UPDATE orders_orderline SET hold = 'held'")
    execute("UPDATE pricing_stock SET reserved = %s, on_hand = %s", reserved, on_hand)
    assert types("held_for_a_finished_order") == [("held_for_a_finished_order", True)]
    assert (OrderLine.objects.get().hold, stock_of()) == ("taken", (8, 0))
    assert findings("held_for_a_finished_order") == []


@pytest.mark.parametrize(("reserved", "on_hand"), [(0, 6), (4, 10)], ids=["booked out", "not yet"])
def test_two_finished_orders_that_hold_one_product_are_mended_both(
    sandbox: SandboxProcess, reserved: int, on_hand: int
) -> None:
    stocked()
    for _ in range(2):
        place()
    work_off()
    execute("UPDATE orders_orderline SET hold = 'held'")
    execute("UPDATE pricing_stock SET reserved = %s, on_hand = %s", reserved, on_hand)
    assert types("held_for_a_finished_order") == [("held_for_a_finished_order", True)] * 2
    assert set(OrderLine.objects.values_list("hold", flat=True)) == {"taken"}
    assert stock_of() == (6, 0)
    assert findings("held_for_a_finished_order") == []
    assert findings("reserved_is_not_held") == []


def test_stocks_are_held_in_the_order_of_their_products(sandbox: SandboxProcess) -> None:
    """As bookings hold them, whichever order came first: the two never cross."""
    first, second = stocked("BOOK"), stocked("NOVEL")
    for sku in ("NOVEL", "BOOK"):
        place(sku=sku)
    work_off()
    execute("UPDATE orders_orderline SET hold = 'held'")
    page = registered()["orders.held_for_a_finished_order"].page("")
    products = [OrderLine.objects.get(pk=line).product_id for line in page.subjects]
    assert products == [first.pk, second.pk]


def test_where_two_numbers_are_wrong_a_person_says_which(sandbox: SandboxProcess) -> None:
    cancelled(sandbox)
    execute("UPDATE orders_orderline SET hold = 'held'")
    execute("UPDATE pricing_stock SET reserved = 7")
    assert types("held_for_a_finished_order") == [("held_for_a_finished_order", False)]
    assert types("reserved_is_not_held") == [("reserved_is_not_held", False)]
    assert stock_of() == (10, 7)


# -- sagas


def test_a_run_whose_message_is_gone_is_moved_again(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    execute("DELETE FROM outbox_event; DELETE FROM outbox_message")
    assert findings("nobody_moves_it") == [], "its message may be on its way for ten minutes"
    make_old()
    assert types("nobody_moves_it") == [("nobody_moves_it", True)]
    assert findings("nobody_moves_it") == []
    work_off()
    assert again(order).status == "shipped"
    assert PaymentEntry.objects.count() == 2


def test_a_call_whose_end_nobody_waits_for_is_settled(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.engine import calling

    stocked()
    order = place()
    real = calling.make_call
    with monkeypatch.context() as dies:
        dies.setattr(calling, "make_call", lambda *_: None)
        work_off(until=lambda: order.runs.get().steps.filter(state="calling").exists())
    assert calling.make_call is real
    execute("DELETE FROM outbox_message WHERE state = 'pending'")
    make_old()
    assert types("nobody_moves_it") == [("nobody_moves_it", True)]
    assert findings("nobody_moves_it") == []
    work_off()
    assert again(order).status == "shipped"


def test_a_way_back_whose_message_is_gone_goes_on(sandbox: SandboxProcess) -> None:
    stocked()
    order = place(payment_method="pm_card_chargeDeclined")
    work_off(until=lambda: order.runs.get().state == "compensating")
    execute("DELETE FROM outbox_message WHERE state = 'pending'")
    make_old()
    assert types("nobody_moves_it") == [("nobody_moves_it", True)]
    work_off()
    assert (again(order).status, stock_of()) == ("cancelled", (10, 0))


def test_a_saga_that_comes_to_no_end_is_found_until_it_does(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    make_old()
    assert types("saga_too_old") == [("saga_too_old", False)]
    assert findings("nobody_moves_it") == []
    work_off()
    assert again(order).status == "shipped"
    assert findings("saga_too_old") == []


# -- money


def test_a_charge_that_is_gone_from_the_ledger_is_written_again(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    past_the_trigger("DELETE FROM orders_paymententry WHERE kind = 'captured'")
    assert types("money_is_not_as_it_should_be") == [("money_is_not_as_it_should_be", True)]
    entry = PaymentEntry.objects.get(kind="captured")
    assert (entry.amount, entry.payment.order_id) == (order.cents, order.pk)
    assert findings("money_is_not_as_it_should_be") == []


def test_a_cancelled_order_that_is_charged_needs_a_person(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    execute("UPDATE orders_order SET status = 'cancelled', reason = 'tried'")
    assert types("money_is_not_as_it_should_be") == [("money_is_not_as_it_should_be", False)]
    execute("UPDATE orders_order SET status = 'shipped', reason = ''")
    assert findings("money_is_not_as_it_should_be") == []
    PaymentEvent.objects.create(id="evt_1", kind="x", payment=order.payment, finding="differs")
    (found,) = findings("money_is_not_as_it_should_be")
    assert (found["subject"], found["repaired"]) == (str(order.pk), False)


def test_what_is_gone_by_the_second_look_is_no_finding(sandbox: SandboxProcess) -> None:
    for name in CHECKS:
        if "payments" in name or name.endswith("_there"):
            continue
        numbered = name.endswith(("finished_order", "not_held"))
        with transaction.atomic():
            assert registered()[name].confirm("999999" if numbered else str(uuid7())) is None


def test_stock_of_a_product_without_orders_is_silent() -> None:
    stocked()
    assert Stock.objects.count() == 1
    assert Message.objects.count() == 0
    assert findings("reserved_is_not_held") == []
