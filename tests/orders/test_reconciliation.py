"""Orders, money and stock broken behind the application's back are found; and silence otherwise."""

import json
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from orders.models import Order, PaymentEvent, SagaRun
from outbox.models import Message
from pricing.models import Stock
from tests.orders.shop import place, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]
CHECKS = ("reserved_is_not_held", "nobody_moves_it", "money_is_not_as_it_should_be")


def findings(check: str) -> list[dict[str, Any]]:
    out = StringIO()
    with suppress(SystemExit):  # a finding that needs a person is told by the exit status, too
        call_command("reconcile", "--check", f"orders.{check}", "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["findings"]
    return found


def make_old() -> None:
    SagaRun.objects.update(created_at=F("created_at") - timedelta(hours=1))


def test_all_is_well_after_ordinary_work(sandbox: SandboxProcess) -> None:
    stocked()
    place()
    place(payment_method="pm_card_chargeDeclined")
    work_off()
    place()
    make_old()
    assert [findings(check) for check in CHECKS] == [[], [], []]


def test_a_reservation_that_no_order_holds_is_found_and_mended(sandbox: SandboxProcess) -> None:
    stocked()
    Stock.objects.update(reserved=3)
    assert len(findings("reserved_is_not_held")) == 1
    assert stock_of() == (10, 0)
    assert findings("reserved_is_not_held") == []


def test_a_run_without_a_message_is_found() -> None:
    stocked()
    order = place()
    make_old()
    Message.objects.all().delete()
    (found,) = findings("nobody_moves_it")
    assert (found["subject"], found["repaired"]) == (str(order.pk), False)


def test_money_that_differs_is_found(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    work_off()
    Order.objects.update(status="cancelled", reason="tried")
    assert len(findings("money_is_not_as_it_should_be")) == 1
    Order.objects.update(status="shipped", reason="")
    PaymentEvent.objects.create(id="evt_1", kind="x", payment=order.payment, finding="differs")
    (found,) = findings("money_is_not_as_it_should_be")
    assert (found["subject"], found["repaired"]) == (str(order.pk), False)
