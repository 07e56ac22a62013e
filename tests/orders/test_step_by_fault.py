"""Every step, every fault: each order ends shipped and charged once, cancelled, or with a person.

The table is what this file is about. A row is a provider's operation, a column what happens to its
first request.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.orders.outcomes import outcome_of
from tests.orders.shop import place, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]

FAULTS = (
    *("rate_limited", "error_before", "error_after", "reply_lost", "outage"),
    *("slow_before", "slow_after", "refused"),
)
TABLE = {
    # operation: (how its step is reached, the outcome after a fault, the outcome after a refusal)
    "authorise: payments create": ((), "shipped", "cancelled"),
    "authorise: payments confirm": ((), "shipped", "cancelled"),
    "ship: shipping create": ((), "shipped", "cancelled"),
    "capture: payments capture": ((), "shipped", "cancelled"),
    "undo authorise: payments cancel": (("shipping create",), "cancelled", "needs_person"),
    "undo ship: shipping cancel": (("payments capture",), "cancelled", "needs_person"),
}


@pytest.fixture
def impatient(sandbox: SandboxProcess, settings: Any) -> SandboxProcess:
    """The sandbox, with time-outs that a slow answer exceeds."""
    settings.SHOP = replace(settings.SHOP, timeout=0.5)
    return sandbox


@pytest.mark.parametrize("row", TABLE)
def test_a_fault_has_its_outcome(impatient: SandboxProcess, row: str) -> None:
    first_refused, after_fault, after_refusal = TABLE[row]
    stocked(on_hand=100)
    ends = {}
    for fault in FAULTS:
        for operation in first_refused:
            force(impatient, operation, "refused")
        force(impatient, row.partition(": ")[2], fault)
        order = place()
        work_off()
        ends[fault] = outcome_of(order, impatient)
    assert ends == {**dict.fromkeys(FAULTS, after_fault), "refused": after_refusal}
    shipped = list(ends.values()).count("shipped")
    held = list(ends.values()).count("needs_person")
    assert stock_of() == (100 - 2 * shipped, 2 * held)


def force(sandbox: SandboxProcess, operation: str, fault: str) -> None:
    """The next request of this operation meets the fault; slow is on either side of its effect."""
    provider, name = operation.split()
    kind, _, side = fault.partition("_") if fault.startswith("slow") else (fault, "", "")
    more = {"seconds": 0.9, "point": 1.0 if side == "before" else 0.0} if side else {}
    sandbox.control.force(provider, kind, operation=name, **more)
