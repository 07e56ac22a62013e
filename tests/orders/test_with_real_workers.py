"""Real workers, random faults at both providers, workers killed in between: the same sums.

At full size (1,000 orders, 4 workers, a kill every few seconds, within 5 minutes):
FULL_SIZE=1 make test WORKERS=0 ARGS="-s -k every_order_ends_well -o faulthandler_timeout=900"
"""

import os
import time
from collections import Counter
from itertools import cycle
from typing import Any

import pytest
from django.db.models import Count, Sum

from config.embedded.child import Child
from orders import story
from orders.models import Order, OrderLine, SagaAttempt
from orders.providers import stripe_api
from sandbox.control import Control
from sandbox.misbehaviour import KINDS
from tests.orders.outcomes import outcome_of
from tests.orders.shop import again, place, shop_at, stock_of, stocked
from tests.sandbox.process import SandboxProcess
from tests.stack import Stack

FULL_SIZE = "FULL_SIZE" in os.environ
ORDERS, WORKERS = (1_000, 4) if FULL_SIZE else (30, 2)
SECONDS = 300
"""In which they end, counted from the last one's commit."""

KILLS_AFTER = [share / 10 for share in range(1, 9)] if FULL_SIZE else [0.2]
"""One worker dies each time that this share of the orders has ended."""

PERCENT = 8
DECLINED = ORDERS // 10
ENDED = ("shipped", "cancelled", "needs_person")


def test_every_order_ends_well_and_all_books_agree(
    stack: Stack, sandbox_process: SandboxProcess, settings: Any
) -> None:
    settings.SHOP = shop_at(sandbox_process)
    control = sandbox_process.control
    control.clear()
    control.turn("slow_seconds", 1)
    misbehave(control)
    stocked(on_hand=10_000)
    environment = {"SANDBOX_URL": sandbox_process.url, "SANDBOX_HOME": str(sandbox_process.home)}
    options = {"pool": "threads", "concurrency": 8, "environment": environment}
    workers = [stack.worker(**options) for _ in range(WORKERS)]  # type: ignore[arg-type]
    stack.relay()
    methods = ["pm_card_chargeDeclined"] * DECLINED + ["pm_card_visa"] * (ORDERS - DECLINED)
    orders = [place(payment_method=method) for method in methods]
    seconds = end_all(stack, workers)
    ends = Counter(outcome_of(order, sandbox_process) for order in orders)
    print(f"{ORDERS} orders in {seconds:.0f} s: {dict(ends)}; calls: {calls()}")  # noqa: T201 -s
    assert ends["needs_person"] <= ORDERS // 10
    assert ends["shipped"] >= ORDERS // 2
    assert stock_of() == (10_000 - 2 * ends["shipped"], held())
    control.reset()
    tells_its_story(next(one for one in orders if again(one).status == "shipped"), workers)
    control.clear()


def tells_its_story(order: Order, workers: list[Child]) -> None:
    """One operation id through request, messages, Celery tasks, calls, ledger, provider, logs."""
    told = story.of(order)
    assert {line.kind for line in told} >= {"order", "message", "call", "ledger"}
    begun = [line for line in told if line.kind in ("call", "message") and line.status == "done"]
    tasks = {line.task_id for line in begun}
    assert tasks
    assert "" not in tasks
    assert all(line.process for line in begun)
    intent = stripe_api.get_intent(again(order).payment.intent)
    assert intent.metadata["operation"] == str(order.operation_id)
    logs = [line for one in workers for line in one.log.read_text().splitlines()]
    about = [line for line in logs if str(order.operation_id) in line]
    for event in ("effect done", "call_ended"):
        assert any(event in line for line in about)
    assert any(task in line for task in tasks for line in about)


def end_all(stack: Stack, workers: list[Child]) -> float:
    """Kill one worker after another while orders end; the seconds that it took."""
    ended, began = Order.objects.filter(status__in=ENDED), time.monotonic()
    for share, victim in zip(KILLS_AFTER, cycle(workers)):
        stack.wait_until(
            lambda share=share: ended.count() >= share * ORDERS, timeout=SECONDS, why=victim
        )
        stack.kill(victim)
        victim.start()
    stack.wait_until(lambda: ended.count() == ORDERS, timeout=SECONDS, why=workers[0])
    assert time.monotonic() - began <= SECONDS
    return time.monotonic() - began


def held() -> int:
    """What the lines of orders that a person has to see to hold still."""
    return OrderLine.objects.filter(hold="held").aggregate(n=Sum("quantity"))["n"] or 0


def calls() -> str:
    """What the attempts say of the calls that were made."""
    outcomes = SagaAttempt.objects.values_list("outcome").annotate(Count("pk")).order_by("outcome")
    return ", ".join(f"{outcome} {count}" for outcome, count in outcomes)


def misbehave(control: Control) -> None:
    for provider in ("payments", "shipping"):
        for kind in KINDS:
            control.misbehave(provider, kind, PERCENT)


pytestmark = pytest.mark.xdist_group("orders with real workers")
