"""How an order may end, and what everybody's books must say then."""

from typing import Any

from orders.models import Order, PaymentEntry, Refund, SagaRun
from outbox.models import Message
from tests.orders.shop import again
from tests.sandbox.process import SandboxProcess

MONEY = {
    (): [],
    ("held",): ["requires_capture"],
    ("captured", "held"): ["succeeded"],
    ("held", "released"): ["canceled"],
    ("captured", "held", "refunded"): ["refunded"],
}
"""What the provider's log says for what our ledger says."""


def outcome_of(order: Order, sandbox: SandboxProcess) -> str:
    """The order's final status, after the providers' logs were found to agree with our books."""
    order = again(order)
    money = [one for one in sandbox.control.log("payments") if one["order"] == str(order.pk)]
    parcels = [one for one in sandbox.control.log("shipping") if one["order"] == str(order.pk)]
    entries = PaymentEntry.objects.filter(payment__order=order)
    kinds = tuple(sorted(entries.values_list("kind", flat=True)))
    holds = set(order.lines.values_list("hold", flat=True))
    check: dict[str, Any] = {
        "shipped": _shipped,
        "cancelled": _cancelled,
        "needs_person": _with_a_person,
    }
    assert order.status in check, (order.status, order.reason)
    check[order.status](order, kinds, money, parcels, holds)
    return order.status


def _shipped(order: Order, kinds: Any, money: Any, parcels: Any, holds: set[str]) -> None:
    """Charged; or, where somebody asked for a refund that is done by now, given back."""
    refunded = Refund.objects.filter(order=order, status="done").exists()
    status = "refunded" if refunded else "succeeded"
    assert [(one["status"], one["amount"]) for one in money] == [(status, order.cents)]
    assert len(parcels) == 1
    assert kinds == ("captured", "held", *["refunded"] * refunded)
    assert holds == {"returned" if refunded else "taken"}


def _cancelled(order: Order, kinds: Any, money: Any, parcels: Any, holds: set[str]) -> None:
    assert [one["status"] for one in money] == MONEY[kinds]
    assert not {"requires_capture", "succeeded"} & {one["status"] for one in money}
    assert parcels == []
    assert holds <= {"none", "released"}
    assert order.reason


def _with_a_person(order: Order, kinds: Any, money: Any, parcels: Any, holds: set[str]) -> None:
    run = SagaRun.objects.get(order=order, saga="order")
    stuck = run.steps.get(state="needs_person")
    dead = Message.objects.get(state="dead", args__run_id=str(run.pk))
    assert dead.args["step"] == stuck.name
    assert dead.last_error
    assert len(money) <= 1
    assert len(parcels) <= 1
