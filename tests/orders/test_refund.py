"""A refund that fails gives nothing back: not in our books, and not unnoticed."""

from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.test import Client

from orders import services
from orders.models import Order, PaymentEntry, PaymentKey, Refund, SagaStep
from orders.providers import stripe_api
from outbox import deadletters
from outbox.ids import uuid7
from outbox.models import Message
from tests.accounts.people import make_user
from tests.orders.outcomes import outcome_of
from tests.orders.shop import again, place, stock_of, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]
FAILS, WAITS = "pm_card_refundFail", "pm_card_pendingRefund"


def shipped(payment_method: str) -> Order:
    stocked()
    order = place(payment_method=payment_method)
    work_off()
    return again(order)


def kinds() -> set[str]:
    return set(PaymentEntry.objects.values_list("kind", flat=True))


def refund(order: Order) -> Refund:
    services.refund_order(order_id=order.pk, reason="torn", actor="test")
    work_off()
    return Refund.objects.get(order=order)


@pytest.mark.parametrize("reply_lost", [False, True])
def test_a_refund_that_fails_ends_refused(sandbox: SandboxProcess, reply_lost: bool) -> None:
    order = shipped(FAILS)
    if reply_lost:
        sandbox.control.force("payments", "reply_lost", operation="refund")
    assert refund(order).status == Refund.Status.REFUSED
    assert kinds() == {"held", "captured"}
    assert stock_of() == (8, 0), "what was not given back is not booked in again"
    assert outcome_of(order, sandbox) == "shipped"
    assert len(stripe_api.list_refunds(intent=order.payment.intent)) == 1


def test_a_refund_that_is_pending_is_on_its_way(sandbox: SandboxProcess) -> None:
    order = shipped(WAITS)
    assert refund(order).status == Refund.Status.DONE
    assert kinds() == {"held", "captured", "refunded"}


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_after_a_lost_reply_only_what_was_given_back_counts(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    order = shipped("pm_card_visa")
    PaymentKey.objects.create(
        payment=order.payment, purpose="refund", number=1, key="k", used_at=order.created_at
    )
    before = [SimpleNamespace(status=status, amount=order.cents)]
    monkeypatch.setattr(stripe_api, "list_refunds", lambda **_: before)
    assert refund(order).status == Refund.Status.DONE
    monkeypatch.undo()
    assert len(stripe_api.list_refunds(intent=order.payment.intent)) == 1


def test_a_part_given_back_by_hand_is_not_the_whole(sandbox: SandboxProcess) -> None:
    order = shipped("pm_card_visa")
    stripe_api.create_refund(
        key="by-hand", intent=order.payment.intent, amount=100, metadata={"by": "hand"}
    )
    sandbox.control.force("payments", "outage", operation="refund")
    assert refund(order).status == Refund.Status.REFUSED
    assert kinds() == {"held", "captured"}
    assert stock_of() == (8, 0)


def test_all_of_it_given_back_by_hand_in_parts_is_the_whole(sandbox: SandboxProcess) -> None:
    order = shipped("pm_card_visa")
    for cents in (100, 1_900):
        stripe_api.create_refund(
            key=f"by-hand-{cents}", intent=order.payment.intent, amount=cents, metadata={}
        )
    assert refund(order).status == Refund.Status.DONE
    assert kinds() == {"held", "captured", "refunded"}


def test_a_refund_that_was_refused_can_be_asked_for_again(sandbox: SandboxProcess) -> None:
    order = shipped(FAILS)
    assert refund(order).status == Refund.Status.REFUSED
    assert refund(order).status == Refund.Status.REFUSED
    intent = order.payment.intent
    assert len(stripe_api.list_refunds(intent=intent)) == 2, "under a further key"
    with patch.object(stripe_api, "create_refund", return_value=SimpleNamespace(status="pending")):
        assert refund(order).status == Refund.Status.DONE
    assert kinds() == {"held", "captured", "refunded"}
    assert stock_of() == (10, 0)
    assert refund(order).status == Refund.Status.DONE


def test_a_refund_that_stripe_did_not_make_is_asked_for_under_a_further_key(
    sandbox: SandboxProcess,
) -> None:
    """As where our account there held too little: for a day it would say so again."""
    order = shipped("pm_card_visa")
    sandbox.control.force("payments", "refused", operation="refund")
    assert refund(order).status == Refund.Status.REFUSED
    assert refund(order).status == Refund.Status.DONE
    keys = order.payment.keys.filter(purpose="refund").order_by("number")
    assert [key.used_at is not None for key in keys] == [True, True]
    assert "This request is refused." in keys[1].instead_because
    assert kinds() == {"held", "captured", "refunded"}


def test_the_page_says_how_a_refund_stands_and_offers_it_again(
    sandbox: SandboxProcess, client: Client
) -> None:
    order = shipped(FAILS)
    client.force_login(make_user("operator"))
    said = {
        "The refund is on its way.": lambda: None,
        "The refund is on its way. ": work_off,
        "The refund waits": lambda: Refund.objects.update(status="needs_person"),
        "The money was given back before": lambda: Refund.objects.update(status="done"),
    }
    for words, happens in said.items():
        happens()
        page = client.post(f"/orders/{order.pk}/refund/", follow=True).content.decode()
        assert words.strip() in page
    for status, offered in {"refused": True, "done": False, "open": False}.items():
        Refund.objects.update(status=status)
        assert ('id="refund"' in client.get(f"/orders/{order.pk}/").content.decode()) is offered


def test_on_the_way_back_a_person_gets_it_and_may_have_it_tried_again(
    sandbox: SandboxProcess,
) -> None:
    stocked()
    order = place(payment_method=FAILS)
    work_off(until=lambda: SagaStep.objects.get(name="authorise").state == "done")
    stripe_api.capture_intent(  # somebody else has
        key="by-hand", intent=again(order).payment.intent, amount=order.cents
    )
    services.cancel_order(order_id=order.pk, actor="test")
    work_off()
    assert again(order).status == Order.Status.NEEDS_PERSON
    assert kinds() == {"held"}
    assert "nothing was given back" in SagaStep.objects.get(name="authorise").error
    for tries in (2, 3):
        deadletters.redrive(Message.objects.get(state="dead").pk, actor="person")
        work_off()
        assert again(order).status == Order.Status.NEEDS_PERSON
        assert len(stripe_api.list_refunds(intent=again(order).payment.intent)) == tries


def test_an_order_that_does_not_exist_cannot_be_given_back(client: Client) -> None:
    with pytest.raises(Order.DoesNotExist):
        services.refund_order(order_id=uuid7(), reason="torn", actor="test")
    client.force_login(make_user("operator"))
    assert client.post(f"/orders/{uuid7()}/refund/").status_code == 404
