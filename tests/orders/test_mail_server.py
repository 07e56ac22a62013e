"""What a mail server may say, and what it means for a receipt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orders.models import SagaAttempt
from tests.orders.mail_server import HANG_UP, MailServer, mail_server
from tests.orders.test_receipt import order_with_receipt

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("silent", "sandbox"),
]


@pytest.fixture(autouse=True)
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.server_address[1]
        yield running


def outcomes() -> list[str]:
    attempts = SagaAttempt.objects.filter(step__name="send").order_by("pk")
    return list(attempts.values_list("outcome", flat=True))


@pytest.mark.parametrize("said_to", ["EHLO", "MAIL", "RCPT", "DATA", "message"])
def test_what_is_put_off_is_sent_later(server: MailServer, said_to: str) -> None:
    server.answers[said_to] = "451 later"
    if said_to == "EHLO":
        server.answers["HELO"] = "451 later"
    assert order_with_receipt().status == "done"
    assert (outcomes(), len(server.taken)) == (["failed", "done"], 1)


@pytest.mark.parametrize("said_to", ["MAIL", "RCPT", "DATA", "message"])
def test_what_is_refused_is_not_sent_again(server: MailServer, said_to: str) -> None:
    server.answers[said_to] = "550 never"
    order_with_receipt()
    assert (outcomes(), server.taken) == (["refused"], [])


def test_a_connection_cut_after_the_message_leaves_it_unknown(server: MailServer) -> None:
    server.answers["message"] = HANG_UP
    assert order_with_receipt().status == "in_doubt"
    assert outcomes() == ["unknown"]


def test_a_message_that_was_taken_is_sent_however_the_goodbye_went(server: MailServer) -> None:
    server.answers["QUIT"] = "451 stay"
    assert order_with_receipt().status == "done"
    assert (outcomes(), len(server.taken)) == (["done"], 1)


@pytest.mark.parametrize(
    ("said", "outcome"), [("535 no", "barred"), ("454 later", "failed")], ids=["no", "later"]
)
def test_not_let_in(server: MailServer, settings: Any, said: str, outcome: str) -> None:
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = "shop"
    server.answers["AUTH"] = said
    order_with_receipt()
    assert (outcomes()[0], len(server.taken)) == (outcome, outcome == "failed")


def test_without_a_server_and_a_folder_it_is_for_a_person(settings: Any, tmp_path: Path) -> None:
    """As in a container without EMAIL_HOST, whose home is nowhere."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    (tmp_path / "file").touch()
    settings.EMAIL_FILE_PATH = str(tmp_path / "file" / "mails")
    assert order_with_receipt().status == "needs_person"
    assert outcomes() == ["barred"]
