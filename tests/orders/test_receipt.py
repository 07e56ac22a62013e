"""The receipt: once, or nobody knows; never twice."""

import smtplib
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from orders.engine import calling
from orders.models import Receipt, SagaStep
from tests.orders.shop import again, place, stocked, work_off
from tests.sandbox.process import SandboxProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("silent", "sandbox"),
]


@pytest.fixture(autouse=True)
def locally(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def order_with_receipt() -> SagaStep:
    stocked()
    order = place(email="you@example.org")
    work_off()
    assert again(order).status == "shipped"
    return SagaStep.objects.get(name="send")


def test_it_goes_out_once_after_shipping(sandbox: SandboxProcess) -> None:
    assert order_with_receipt().status == "done"
    (sent,) = mail.outbox
    assert sent.to == ["you@example.org"]
    assert "Total: 20.00" in sent.body
    assert Receipt.objects.get().sent_at


def test_without_an_address_there_is_none() -> None:
    stocked()
    place()
    work_off()
    assert not mail.outbox
    assert not Receipt.objects.exists()


def test_no_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_once(monkeypatch, ConnectionRefusedError())
    step = order_with_receipt()
    assert (step.status, step.attempts, len(mail.outbox)) == ("done", 2, 1)


def test_an_unknown_outcome_stays_unknown_and_is_never_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_once(monkeypatch, smtplib.SMTPServerDisconnected())
    step = order_with_receipt()
    assert (step.status, step.attempts, len(mail.outbox)) == ("in_doubt", 1, 0)
    assert Receipt.objects.get().sent_at is None


def test_a_worker_that_died_after_sending_sends_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = calling.results.record

    def dying(attempt_id: Any, outcome: Any, **more: Any) -> None:
        if not mail.outbox:
            record(attempt_id, outcome, **more)

    monkeypatch.setattr(calling.results, "record", dying)
    step = order_with_receipt()
    assert (step.status, len(mail.outbox)) == ("in_doubt", 1)


def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The first mail meets the error; later ones go out."""
    real, errors = EmailMessage.send, [error]

    def send(self: EmailMessage, *args: Any, **more: Any) -> int:
        if errors:
            raise errors.pop()
        return real(self, *args, **more)

    monkeypatch.setattr(EmailMessage, "send", send)
