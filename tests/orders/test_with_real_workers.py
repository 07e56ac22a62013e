"""Real workers, random faults at both providers, workers killed in between: the same sums."""

from collections import Counter

import pytest

from orders.models import Order
from sandbox.control import Control
from tests.orders.outcomes import outcome_of
from tests.orders.shop import place, stock_of, stocked
from tests.sandbox.process import SandboxProcess
from tests.stack import Stack

ORDERS = 30
PERCENT = 8
KINDS = ("rate_limited", "error_before", "error_after", "reply_lost", "outage", "slow")
DECLINED = 3
ENDED = ("shipped", "cancelled", "needs_person")


def test_every_order_ends_well_and_all_books_agree(
    stack: Stack, sandbox_process: SandboxProcess
) -> None:
    control = sandbox_process.control
    control.clear()
    control.turn("slow_seconds", 1)
    misbehave(control)
    stocked(on_hand=1_000)
    environment = {"SANDBOX_URL": sandbox_process.url, "SANDBOX_HOME": str(sandbox_process.home)}
    options = {"pool": "threads", "concurrency": 8, "environment": environment}
    workers = [stack.worker(**options) for _ in range(2)]  # type: ignore[arg-type]
    stack.relay()
    methods = ["pm_card_chargeDeclined"] * DECLINED + ["pm_card_visa"] * (ORDERS - DECLINED)
    orders = [place(payment_method=method) for method in methods]
    ended = Order.objects.filter(status__in=ENDED)
    stack.wait_until(lambda: ended.count() > ORDERS // 5, timeout=120, why=workers[0])
    stack.kill(workers[0])
    workers[0].start()
    stack.wait_until(lambda: ended.count() == ORDERS, timeout=240, why=workers[1])
    ends = Counter(outcome_of(order, sandbox_process) for order in orders)
    assert ends["needs_person"] <= ORDERS // 10
    assert ends["shipped"] >= ORDERS // 2
    assert stock_of() == (1_000 - 2 * ends["shipped"], 2 * ends["needs_person"])
    control.clear()


def misbehave(control: Control) -> None:
    for provider in ("payments", "shipping"):
        for kind in KINDS:
            control.misbehave(provider, kind, PERCENT)


pytestmark = pytest.mark.xdist_group("orders with real workers")
