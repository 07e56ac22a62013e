"""Callbacks: signed, in any order, any number of times, and never backwards."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from twilio.request_validator import RequestValidator

from credits import evidence, services
from credits.models import TextEvent, TextMessage
from credits.services import send
from sandbox.control import Control
from tests.credits.world import balance, make_community, only_text, start

pytestmark = pytest.mark.django_db(transaction=True)
SID = "SM" + "0" * 32


@pytest.fixture
def attempt(sandbox: Control) -> send.Attempt:
    """A text that is being sent, by somebody who has not come back yet."""
    make_community(credits=5, members=1)
    start()
    with transaction.atomic():
        made = send._claim(only_text().pk)
    assert made
    return made


def tell(attempt: send.Attempt, status: str, sid: str = SID, code: int | None = None) -> bool:
    return services.receive_callback(token=attempt.token, sid=sid, status=status, error_code=code)


def post(token: object, fields: dict[str, str], settings: Any, secret: str = "") -> Any:
    address = f"/callbacks/texts/{token}/"
    signer = RequestValidator(secret or settings.TEXTS.secret)
    signature = signer.compute_signature(f"http://testserver{address}", fields)
    client = Client(enforce_csrf_checks=True)
    return client.post(address, fields, headers={"X-Twilio-Signature": signature})


def test_a_callback_settles_what_no_reply_did(attempt: send.Attempt) -> None:
    assert tell(attempt, "sent")

    assert (only_text().state, only_text().sid) == ("sent", SID)
    assert only_text().settled_by == "callback"
    assert balance() == (4, 0)


@pytest.mark.parametrize(
    "order", [["sent", "delivered"], ["delivered", "sent"], ["delivered", "queued", "sent"]]
)
def test_any_order_ends_the_same(attempt: send.Attempt, order: list[str]) -> None:
    for status in order:
        tell(attempt, status)

    assert only_text().state == "delivered"
    assert balance() == (4, 0)


def test_the_same_told_twice_is_told_once(attempt: send.Attempt) -> None:
    assert tell(attempt, "sent")
    assert not tell(attempt, "sent")
    assert TextEvent.objects.filter(kind="callback").count() == 1
    assert balance() == (4, 0)


def test_the_reply_after_the_callback_changes_nothing(attempt: send.Attempt) -> None:
    from credits import providers

    tell(attempt, "delivered")
    send.record(attempt, providers.Accepted(SID))

    assert only_text().state == "delivered"
    assert balance() == (4, 0)


def test_failed_before_it_left_gives_back_what_was_held(attempt: send.Attempt) -> None:
    tell(attempt, "failed", code=30007)

    assert (only_text().state, only_text().error_code) == ("failed", 30007)
    assert balance() == (5, 0)


def test_failed_after_it_was_accepted_refunds_what_was_spent(attempt: send.Attempt) -> None:
    tell(attempt, "queued")
    assert balance() == (4, 0)
    tell(attempt, "failed", code=30007)
    tell(attempt, "sent")

    assert only_text().state == "failed"
    assert balance() == (5, 0)
    assert not only_text().findings.exists()


def test_failed_of_an_earlier_attempt_leaves_the_one_being_made_alone(
    attempt: send.Attempt,
) -> None:
    TextMessage.objects.update(state="queued")  # as a policy that sends again leaves it
    with transaction.atomic():
        later = send._claim(attempt.text_id)
    assert later
    tell(attempt, "failed", code=30007)
    assert only_text().state == "sending"
    assert only_text().events.filter(kind="callback", status="failed").exists()
    assert balance() == (4, 1)

    tell(later, "failed", sid="SM" + "1" * 32, code=30007)
    assert only_text().state == "failed"
    assert balance() == (5, 0)


def test_failed_of_an_earlier_attempt_whose_text_was_paid_gives_that_back(
    attempt: send.Attempt,
) -> None:
    TextMessage.objects.update(state="queued")
    with transaction.atomic():
        assert send._claim(attempt.text_id)
    tell(attempt, "sent")
    tell(attempt, "failed", code=30007)

    assert only_text().state == "failed"
    assert balance() == (5, 0)


def test_undelivered_was_sent_and_stays_paid(attempt: send.Attempt) -> None:
    tell(attempt, "undelivered", code=30003)

    assert (only_text().state, only_text().error_code) == ("sent", 30003)
    assert balance() == (4, 0)


def test_proof_after_the_refund_is_a_finding(attempt: send.Attempt) -> None:
    with transaction.atomic():
        text = TextMessage.objects.locked().select_related("campaign").get(pk=attempt.text_id)
        evidence.failed(text, reason="not in the list", by="listing")
    tell(attempt, "delivered")

    assert only_text().state == "failed"
    assert [one.kind for one in only_text().findings.all()] == ["sent_after_refund"]
    assert balance() == (5, 0)


def test_two_ids_for_one_text_are_a_finding(attempt: send.Attempt) -> None:
    tell(attempt, "sent")
    tell(attempt, "sent", sid="SM" + "1" * 32)

    assert [one.kind for one in only_text().findings.all()] == ["sent_twice"]
    assert balance() == (4, 0)


def test_a_signed_callback_is_taken_without_sign_in_and_token(
    attempt: send.Attempt, settings: Any
) -> None:
    fields = {"MessageSid": SID, "MessageStatus": "delivered", "To": attempt.phone}

    assert post(attempt.token, fields, settings).status_code == 200
    assert only_text().state == "delivered"

    again = post(attempt.token, fields, settings)
    assert (again.status_code, again.json()) == (200, {"message": "Known already."})


def test_a_forged_callback_changes_nothing(attempt: send.Attempt, settings: Any) -> None:
    fields = {"MessageSid": SID, "MessageStatus": "delivered"}

    assert post(attempt.token, fields, settings, secret="guessed").status_code == 403
    assert Client().post(f"/callbacks/texts/{attempt.token}/", fields).status_code == 403
    assert only_text().state == "sending"


def test_a_callback_replayed_at_another_address_is_forged(
    attempt: send.Attempt, settings: Any
) -> None:
    fields = {"MessageSid": SID, "MessageStatus": "delivered"}
    signer = RequestValidator(settings.TEXTS.secret)
    signature = signer.compute_signature(f"http://testserver/callbacks/texts/{uuid4()}/", fields)
    address = f"/callbacks/texts/{attempt.token}/"

    answer = Client().post(address, fields, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 403
    assert only_text().state == "sending"


def test_a_callback_for_an_unknown_text_is_told_so(sandbox: Control, settings: Any) -> None:
    answer = post(uuid4(), {"MessageSid": SID, "MessageStatus": "sent"}, settings)

    assert answer.status_code == 404
    assert not TextEvent.objects.exists()


def test_a_callback_without_a_status_is_refused(attempt: send.Attempt, settings: Any) -> None:
    assert post(attempt.token, {"MessageSid": SID}, settings).status_code == 400
    assert only_text().state == "sending"
