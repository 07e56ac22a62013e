"""What machines give up goes to a person, who has it tried again with all its attempts."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from orders import services
from orders.models import Order, SagaStep
from outbox import deadletters
from outbox.models import Message
from tests.accounts.people import make_user
from tests.orders.outcomes import outcome_of
from tests.orders.shop import again, place, step_once, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]
BARRED = {
    "stripe_api_key": ("authorise", "AuthenticationError"),
    "carrier_token": ("ship", "carrier: 401"),
}


def redrive() -> None:
    deadletters.redrive(Message.objects.get(state="dead").pk, actor="person")


def step(name: str) -> SagaStep:
    return SagaStep.objects.get(name=name)


@pytest.fixture
def locked_out(sandbox: SandboxProcess, settings: Any, request: Any) -> Any:
    """Our account at one provider is not let in; returns what mends that."""
    right = settings.SHOP
    settings.SHOP = replace(right, **{request.param: "sk_test_of_somebody_else"})

    def mend() -> None:
        settings.SHOP = right

    return request.param, mend


@pytest.mark.parametrize("locked_out", BARRED, indirect=True)
def test_who_is_not_let_in_asks_a_person_at_once(sandbox: SandboxProcess, locked_out: Any) -> None:
    secret, mend = locked_out
    name, said = BARRED[secret]
    stocked()
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "needs_person"
    assert (step(name).state, step(name).attempts) == ("needs_person", 1)
    assert said in Message.objects.get(state="dead").last_error
    mend()
    redrive()
    work_off()
    assert outcome_of(order, sandbox) == "shipped"
    assert stock_of() == (8, 0)


@pytest.mark.parametrize("locked_out", ["stripe_api_key"], indirect=True)
def test_an_order_that_is_cancelled_meanwhile_asks_nobody(
    sandbox: SandboxProcess, locked_out: Any
) -> None:
    stocked()
    order = place()
    work_off(until=lambda: step("authorise").state == "giving_up")
    services.cancel_order(order_id=order.pk, actor="customer")
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert stock_of() == (10, 0)


@pytest.mark.parametrize("locked_out", BARRED, indirect=True)
def test_an_order_that_waits_for_a_person_before_its_charge_can_be_cancelled(
    sandbox: SandboxProcess, locked_out: Any
) -> None:
    _, mend = locked_out
    stocked()
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "needs_person"
    client = Client()
    client.force_login(make_user("operator"))
    assert 'id="cancel"' in client.get(f"/orders/{order.pk}/").content.decode()
    mend()
    client.post(f"/orders/{order.pk}/cancel/")
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert stock_of() == (10, 0)
    redrive()
    work_off()
    assert outcome_of(order, sandbox) == "cancelled", "its dead letter moves nothing any more"
    assert stock_of() == (10, 0)


def test_an_order_whose_way_back_waits_for_a_person_cannot_be_cancelled_once_more(
    sandbox: SandboxProcess,
) -> None:
    stocked()
    order = place()
    sandbox.control.force("shipping", "refused", operation="create")
    sandbox.control.force("payments", "refused", operation="cancel")
    work_off()
    assert outcome_of(order, sandbox) == "needs_person"
    with pytest.raises(services.NotCancellable, match="waiting for a person"):
        services.cancel_order(order_id=order.pk, actor="customer")
    assert step("authorise").state == "needs_person"
    redrive()
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"


@pytest.fixture
def spent(sandbox: SandboxProcess) -> Order:
    """An order that was given up, since its charge was not answered for half an hour."""
    stocked()
    order = place()
    sandbox.control.force("payments", "outage", operation="capture", times=5)
    work_off(until=lambda: step("capture").state == "retrying")
    SagaStep.objects.filter(name="capture").update(attempts=59)
    work_off()
    assert "given up after 60 attempts" in step("capture").error
    return order


def test_what_is_redriven_has_all_its_attempts_again_and_shows_it(
    sandbox: SandboxProcess, spent: Order
) -> None:
    assert outcome_of(spent, sandbox) == "needs_person"
    redrive()
    work_off(until=lambda: step("capture").attempts == 62)
    client = Client()
    client.force_login(make_user("viewer"))
    assert "60 + 2 attempts" in client.get(f"/orders/{spent.pk}/").content.decode()
    work_off()
    assert outcome_of(spent, sandbox) == "shipped"


def test_given_up_again_it_has_a_dead_letter_again(sandbox: SandboxProcess, spent: Order) -> None:
    sandbox.control.force("payments", "outage", operation="capture", times=80)
    redrive()
    step_once()
    SagaStep.objects.filter(name="capture").update(attempts=60 + 59)
    work_off()
    assert outcome_of(spent, sandbox) == "needs_person"
    sandbox.control.reset()
    call_command("dead_letters", "redrive", "--all", "--actor", "ann")
    work_off()
    assert outcome_of(spent, sandbox) == "shipped"


@pytest.mark.parametrize("happened", [True, False])
def test_a_refund_that_is_redriven_after_its_key_was_forgotten_looks_first(
    sandbox: SandboxProcess, happened: bool
) -> None:
    stocked()
    order = place()
    work_off()
    fault = "reply_lost" if happened else "outage"
    sandbox.control.force("payments", fault, operation="refund")
    sandbox.control.force("payments", "outage", operation="list_refunds", times=20)
    services.refund_order(order_id=order.pk, reason="broken", actor="ann")
    work_off(until=lambda: step("refund").state == "retrying")
    SagaStep.objects.filter(name="refund").update(attempts=59)
    work_off()
    assert step("refund").state == "needs_person"
    sandbox.control.reset()
    sandbox.control.forget_idempotency_keys()
    redrive()
    work_off()
    assert again(order).refund.status == "done"
    assert [one["status"] for one in sandbox.control.log("payments")] == ["refunded"]
    asked = [one["operation"] for one in sandbox.control.requests("payments")]
    assert asked.count("refund") == (1 if happened else 2)
