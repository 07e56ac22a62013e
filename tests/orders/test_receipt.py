"""The receipt: once, or nobody knows; never twice."""

import smtplib
import socket
from ssl import SSLError
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client

from orders import calls, services
from orders.engine import calling
from orders.models import Receipt, SagaAttempt, SagaStep
from outbox import deadletters
from outbox.models import Message
from tests.accounts.people import make_user
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


@pytest.mark.parametrize("error", [ConnectionRefusedError, socket.gaierror, TimeoutError, SSLError])
def test_no_connection_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    fail_once(monkeypatch, error(), at="open")
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


def test_a_late_word_that_it_went_out_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Any] = []
    record = calling.results.record

    def slow(attempt_id: Any, outcome: Any, **more: Any) -> None:
        if mail.outbox:
            late.append((attempt_id, outcome, more))
        else:
            record(attempt_id, outcome, **more)

    monkeypatch.setattr(calling.results, "record", slow)
    step = order_with_receipt()
    assert (step.status, len(late)) == ("in_doubt", 1)
    ((attempt_id, outcome, more),) = late
    record(attempt_id, outcome, **more)
    step.refresh_from_db()
    assert step.status == "done"
    assert step.calls.get().late == "done"
    assert Receipt.objects.get().sent_at
    with pytest.raises(services.NotResendable):
        services.resend_receipt(order_id=step.run.order_id, actor="ann")


def test_a_late_no_leaves_it_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_once(monkeypatch, smtplib.SMTPServerDisconnected())
    step = order_with_receipt()
    calling.results.record(step.calls.get().pk, SagaAttempt.Outcome.REFUSED, detail="no")
    step.refresh_from_db()
    assert (step.status, step.calls.get().late) == ("in_doubt", "refused no")


def test_a_connection_that_took_the_leases_time_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Any] = []

    def slow(backend: Any) -> None:
        opened.append(backend)
        if len(opened) == 1:
            calls._latest_start.set(0)

    monkeypatch.setattr(BaseEmailBackend, "open", slow)
    step = order_with_receipt()
    assert (step.status, step.attempts, len(mail.outbox)) == ("done", 2, 1)
    assert "no time left" in step.calls.order_by("number")[0].detail


def test_a_person_may_have_it_sent_again_once_a_press(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_once(monkeypatch, smtplib.SMTPServerDisconnected())
    order = order_with_receipt().run.order
    client = Client()
    client.force_login(make_user("operator"))
    page = f"/orders/{order.pk}/"
    assert 'id="resend"' in client.get(page).content.decode()
    for _ in range(2):
        client.post(f"{page}receipt/")
    work_off()
    step = SagaStep.objects.get(name="send")
    assert (step.status, step.attempts, len(mail.outbox)) == ("done", 2, 1)
    shown = client.get(page).content.decode()
    assert "sent again by operator" in shown
    assert 'id="resend"' not in shown
    told = client.post(f"{page}receipt/", follow=True).content.decode()
    work_off()
    assert ("has taken this receipt" in told, len(mail.outbox)) == (True, 1)


def test_sent_again_it_is_in_doubt_again_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_once(monkeypatch, smtplib.SMTPServerDisconnected())
    order = order_with_receipt().run.order
    fail_once(monkeypatch, smtplib.SMTPServerDisconnected())
    services.resend_receipt(order_id=order.pk, actor="ann")
    work_off()
    step = SagaStep.objects.get(name="send")
    assert (step.status, step.attempts, len(mail.outbox)) == ("in_doubt", 2, 0)


def test_who_may_not_or_has_none_sends_nothing() -> None:
    stocked()
    order = place()
    work_off()
    viewer = Client()
    viewer.force_login(make_user("viewer"))
    assert viewer.post(f"/orders/{order.pk}/receipt/").status_code == 403
    with pytest.raises(services.NotResendable, match="no e-mail"):
        services.resend_receipt(order_id=order.pk, actor="ann")


def test_a_mail_server_that_does_not_let_us_in_is_for_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail_once(monkeypatch, smtplib.SMTPAuthenticationError(535, b"no"), at="open")
    step = order_with_receipt()
    assert (step.status, step.attempts) == ("needs_person", 1)
    with pytest.raises(services.NotResendable, match="desk"):
        services.resend_receipt(order_id=step.run.order_id, actor="ann")
    deadletters.redrive(Message.objects.get(state="dead").pk, actor="ann")
    work_off()
    assert (SagaStep.objects.get(name="send").status, len(mail.outbox)) == ("done", 1)


def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception, *, at: str = "send") -> None:
    """The first mail meets the error; later ones go out."""
    where = EmailMessage if at == "send" else BaseEmailBackend
    real, errors = getattr(where, at), [error]

    def failing(self: Any, *args: Any, **more: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(self, *args, **more)

    monkeypatch.setattr(where, at, failing)
