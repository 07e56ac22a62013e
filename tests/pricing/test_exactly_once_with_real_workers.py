"""The main job on real processes: however often and from wherever it is asked for, it is one.

Eight processes schedule 50 times with one key and twice with other keys, all for the same moment:
once for a product where a changed price means "skip", once for one where it means "apply".
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import IO, Any, cast

import pytest

from config.embedded.child import PROJECT, python
from outbox.models import Message
from pricing.models import PriceReduction, Product
from tests.pricing.shop import make_product
from tests.stack import Stack

PROCESSES = 8
TIMES = 50
OTHERS = ("other", "third")
POLICIES = {"SKIP": "skip", "APPLY": "apply"}
LEAD = timedelta(seconds=5)  # enough to schedule everything before the first is due


@pytest.mark.parametrize(("pool", "concurrency"), [("prefork", 2), ("threads", 25)])
def test_each_operation_is_applied_once(stack: Stack, pool: str, concurrency: int) -> None:
    for sku in POLICIES:
        make_product(sku, price="10.00")
    workers = [stack.worker(pool=pool, concurrency=concurrency) for _ in range(2)]
    stack.relay()
    schedule_from_processes(stack)
    waiting = Message.objects.filter(state="pending", handler="pricing.apply_reduction")
    stack.wait_until(lambda: not waiting.exists(), timeout=60, why=workers[0])

    skipping = PriceReduction.objects.filter(product__sku="SKIP").order_by("status")
    assert [(one.status, one.reason) for one in skipping] == [
        ("applied", ""),
        ("skipped", "price changed since it was scheduled (version 1, now 2)"),
        ("skipped", "price changed since it was scheduled (version 1, now 2)"),
    ]
    assert price_history("SKIP") == ["10.00", "9.00"]

    applying = PriceReduction.objects.filter(product__sku="APPLY")
    assert [(one.status, one.reason) for one in applying] == [("applied", "")] * 3
    assert price_history("APPLY") == ["10.00", "9.00", "8.10", "7.29"]

    for sku in POLICIES:
        assert_all_records_agree(sku)
    assert Message.objects.filter(handler="pricing.apply_reduction").count() == 6


def schedule_from_processes(stack: Stack) -> None:
    """Schedule in all processes at once; every call with one key must give one reduction."""
    with processes(stack) as started:
        orders = shares(datetime.now(UTC) + LEAD)
        for process, order in zip(started, orders, strict=True):
            pipe(process.stdin).write(json.dumps(order) + "\n")
            pipe(process.stdin).flush()
        printed = [process.communicate(timeout=60)[0].split() for process in started]
    assert {process.returncode for process in started} == {0}
    asked = [arguments["key"] for order in orders for arguments in order]
    given = [pk for ids in printed for pk in ids]
    assert len(given) == len(asked) == 2 * (TIMES + len(OTHERS))
    assert len(set(zip(asked, given, strict=True))) == len(set(asked)) == 6


def shares(due: datetime) -> list[list[dict[str, Any]]]:
    """What each process is to schedule."""
    orders: list[list[dict[str, Any]]] = [[] for _ in range(PROCESSES)]
    for sku, if_price_changed in POLICIES.items():
        for number, key in enumerate([*OTHERS, *["one"] * TIMES]):
            arguments = {
                "sku": sku,
                "percent": "10",
                "starts_at": due.isoformat(),
                "if_price_changed": if_price_changed,
                "key": f"{sku}-{key}",
            }
            orders[number % PROCESSES].append(arguments)
    return orders


@contextmanager
def processes(stack: Stack) -> Iterator[list[subprocess.Popen[str]]]:
    """Eight processes, each ready to schedule."""
    started = [
        subprocess.Popen(
            python("-m", "tests.pricing.scheduling_process"),
            env={**os.environ, **stack._environment()},
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        assert [pipe(process.stdout).readline() for process in started] == ["ready\n"] * PROCESSES
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()
            pipe(process.stdin).close()
            pipe(process.stdout).close()


def pipe(stream: IO[str] | None) -> IO[str]:
    """The process's end of a pipe, which there is."""
    return cast(IO[str], stream)


def price_history(sku: str) -> list[str]:
    """Every price that the product has had."""
    changes = Product.objects.get(sku=sku).price_changes.order_by("version")
    return [str(change.new_price) for change in changes]


def assert_all_records_agree(sku: str) -> None:
    """Product, history, targets, reductions and messages tell the same story."""
    product = Product.objects.get(sku=sku)
    changes = list(product.price_changes.order_by("version"))
    assert [change.version for change in changes] == list(range(1, product.version + 1))
    assert changes[-1].new_price == product.price
    assert all(later.old_price == earlier.new_price for earlier, later in pairwise(changes))

    reductions = list(PriceReduction.objects.filter(product=product))
    applied = {one.pk for one in reductions if one.status == "applied"}
    assert applied == {change.reduction_id for change in changes[1:]}
    for reduction in reductions:
        assert [target.outcome for target in reduction.targets.all()] == [reduction.status]
        message = Message.objects.get(operation_id=reduction.operation_id)
        assert message.pk == reduction.message_id
        assert (message.state, message.attempts, message.args) == (
            "done",
            1,
            {"reduction_id": str(reduction.pk)},
        )
        assert message.task_id
