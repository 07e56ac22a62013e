"""Webhooks: only what the provider signed, once, and nothing moves by them."""

import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from orders.models import Order, Payment, PaymentEntry, PaymentEvent
from tests.orders.shop import again, place, stocked, work_off
from tests.sandbox.process import SandboxProcess
from tests.sandbox.receiver import Receiver
from tests.sandbox.waiting import until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent", "sandbox")]
ADDRESS = "/webhooks/stripe/"


def event(order: Order | None = None, kind: str = "succeeded", **intent: Any) -> dict[str, Any]:
    named = {"order": str(order.pk) if order else "nobody"}
    cents = {"amount": 2000, "amount_received": 2000 if kind == "succeeded" else 0}
    about = {"object": "payment_intent", "id": "pi_1", "metadata": named, **cents, **intent}
    return {"id": f"evt_{kind}", "type": f"payment_intent.{kind}", "data": {"object": about}}


def send(body: Any, *, secret: str = "", age: int = 0, raw: bytes = b"") -> int:
    payload = raw or json.dumps(body, indent=3).encode()
    at = int(time.time()) - age
    key = (secret or settings.SHOP.stripe_webhook_secret).encode()
    digest = hmac.digest(key, f"{at}.".encode() + payload, "sha256").hex()
    return post(payload, f"t={at},v1={digest}")


def post(payload: bytes, signature: str) -> int:
    answer = Client(enforce_csrf_checks=True).post(
        ADDRESS,
        payload,
        content_type="application/json",
        headers={"Stripe-Signature": signature} if signature else {},
    )
    return answer.status_code


@pytest.fixture
def order() -> Order:
    stocked()
    return place()


def books() -> tuple[Any, ...]:
    payment, order = Payment.objects.get(), Order.objects.get()
    return payment.intent, payment.amount, order.status, PaymentEntry.objects.count()


def test_it_is_kept_once_and_changes_nothing(order: Order) -> None:
    before = books()
    assert [send(event(order)), send(event(order))] == [200, 200]
    assert PaymentEvent.objects.get().payment == order.payment
    assert books() == before


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: send(body, secret="whsec_of_somebody_else"),
        lambda body: send(body, age=3600),
        lambda body: post(json.dumps(body).encode(), "t=1,v1=00"),
        lambda body: post(json.dumps(body).encode(), ""),
        lambda body: post(b"\xff\xfe", "t=1,v1=\xff"),
        lambda body: send(body, raw=b"[1]"),
        lambda body: send(body, raw=b'"text"'),
        lambda body: send(body, raw=b"{}"),
        lambda body: send(body, raw=b"not json"),
    ],
)
def test_what_was_not_signed_or_is_no_event_is_refused(order: Order, forge: Any) -> None:
    before = books()
    assert forge(event(order)) == 400
    assert not PaymentEvent.objects.exists()
    assert books() == before


def test_an_unknown_order_is_noted_and_nothing_else() -> None:
    assert send(event(None)) == 200
    assert PaymentEvent.objects.get().payment is None


def test_an_amount_comes_from_our_own_books(order: Order) -> None:
    assert send(event(order, "canceled", amount=1)) == 200
    assert PaymentEvent.objects.get().finding == "about 1 cents, while the order costs 2000"
    assert Payment.objects.get().amount == 2000


def test_of_a_charge_the_amount_that_was_taken_counts(order: Order) -> None:
    assert send(event(order, amount_received=500)) == 200
    assert PaymentEvent.objects.get().finding == "about 500 cents, while the order costs 2000"


def test_another_intent_under_our_order_is_a_finding(order: Order) -> None:
    Payment.objects.update(intent="pi_ours")
    assert send(event(order, id="pi_theirs")) == 200
    assert "not this order's (pi_ours)" in PaymentEvent.objects.get().finding
    assert Payment.objects.get().intent == "pi_ours"


def test_without_a_secret_nothing_is_believed(order: Order, settings: Any) -> None:
    settings.SHOP = replace(settings.SHOP, stripe_webhook_secret="")
    payload, at = json.dumps(event(order)).encode(), int(time.time())
    digest = hmac.digest(b"", f"{at}.".encode() + payload, "sha256").hex()
    assert post(payload, f"t={at},v1={digest}") == 400
    assert not PaymentEvent.objects.exists()


def test_old_news_about_a_finished_order_change_nothing(order: Order) -> None:
    Order.objects.update(status="shipped", finished_at=order.created_at)
    PaymentEntry.objects.bulk_create(
        PaymentEntry(payment=order.payment, kind=kind, amount=2000, operation_id=order.operation_id)
        for kind in ("held", "captured")
    )
    before = books()
    for kind in ("succeeded", "canceled", "payment_failed", "amount_capturable_updated", "created"):
        assert send(event(order, kind)) == 200
    assert books() == before
    assert set(PaymentEvent.objects.values_list("finding", flat=True)) == {""}


def test_a_charge_that_our_books_deny_is_a_finding(order: Order) -> None:
    Order.objects.update(status="cancelled", reason="tried", finished_at=order.created_at)
    assert send(event(order)) == 200
    assert "charged" in PaymentEvent.objects.get().finding
    assert again(order).status == "cancelled"


@pytest.mark.parametrize("kind", ["refund.failed", "refund.updated", "charge.refund.updated"])
@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_later_is_a_finding(order: Order, kind: str, status: str) -> None:
    told = event(order, object="refund", id="re_1", status=status) | {"type": kind}
    assert send(told | {"id": "evt_early"}) == 200
    assert PaymentEvent.objects.get().finding == "", "our books do not say that it succeeded"
    PaymentEntry.objects.create(
        payment=order.payment, kind="refunded", amount=2000, operation_id=order.operation_id
    )
    before = books()
    assert send(told) == 200
    assert send(event(order, object="refund", id="re_1", status="succeeded")) == 200
    findings = PaymentEvent.objects.exclude(finding="").values_list("id", "finding")
    assert [(one, text.split(",")[0]) for one, text in findings] == [
        (told["id"], f"a refund ended {status}")
    ]
    assert books() == before


@pytest.mark.django_db(transaction=True)
def test_what_the_provider_itself_sends_is_believed(sandbox: SandboxProcess) -> None:
    stocked()
    with Receiver() as receiver:
        sandbox.control.turn("payments_webhook_url", receiver.url)
        sandbox.control.misbehave("payments", "callback_duplicate", 100)
        sandbox.control.misbehave("payments", "callback_reordered", 100)
        place()
        work_off()
        until(lambda: sandbox.control.callbacks_waiting("payments") == 0)
        arrived = list(receiver.received)
    for one in arrived:
        assert post(one.body, one.headers["Stripe-Signature"]) == 200
    kinds = sorted(PaymentEvent.objects.values_list("kind", flat=True))
    assert kinds == [
        "payment_intent.amount_capturable_updated",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]
    assert set(PaymentEvent.objects.values_list("finding", flat=True)) == {""}
