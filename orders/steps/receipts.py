"""The receipt, by e-mail: once, or nobody knows; never twice."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models.functions import Now

from orders.calls import Barred, NotNow, Refused, Unknown, demand_time
from orders.models import Receipt, SagaRun
from orders.receipt_text import body_of


def send(run: SagaRun) -> None:
    """Hand the receipt to the mail server. A second call sends a second one.

    | what happened | what is raised |
    |---|---|
    | we are not let in, or no way to send is set up | Barred: a person mends that |
    | no connection was made, by whatever error | NotNow: nothing went out, later it may |
    | it was made so slowly that the lease has no time left | NotNow |
    | the server put sender, recipient or message off (4xx) | NotNow |
    | the server refused sender, recipient or message (5xx) | Refused |
    | anything else once the message may have been handed over | Unknown |
    """
    receipt = Receipt.objects.select_related("order").get(order_id=run.order_id)
    with _mail_server() as connection:
        mail = EmailMessage(
            subject=f"Receipt for your order {receipt.order_id}",
            body=body_of(receipt.order),
            to=[receipt.email],
            headers={"Message-ID": f"<{run.pk}@onceproof>"},
            connection=connection,
        )
        demand_time()
        try:
            mail.send()
        except smtplib.SMTPResponseException as error:
            raise _answer(error, {error.smtp_code}) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise _answer(error, {code for code, _ in error.recipients.values()}) from error
        except Exception as error:
            raise Unknown(_told(error)) from error


def note_sent(run: SagaRun, _: None) -> None:
    """Write down that it went out."""
    Receipt.objects.filter(order_id=run.order_id, sent_at=None).update(sent_at=Now())


@contextmanager
def _mail_server() -> Iterator[BaseEmailBackend]:
    """Opened on its own: whatever fails here, nothing has been handed over."""
    try:
        connection = get_connection()
    except ImproperlyConfigured as error:  # no EMAIL_HOST, and no folder that could be written to
        raise Barred(_told(error)) from error
    try:
        _open(connection)
        yield connection
    finally:
        with suppress(Exception):  # how the goodbye went says nothing about the message
            connection.close()


def _open(connection: BaseEmailBackend) -> None:
    try:
        connection.open()
    except smtplib.SMTPAuthenticationError as error:
        raise (NotNow if _is_for_now(error.smtp_code) else Barred)(_told(error)) from error
    except smtplib.SMTPNotSupportedError as error:  # neither TLS nor a sign-in, as we insist on
        raise Barred(_told(error)) from error
    except OSError as error:  # smtplib's own, an unknown name, a time-out, TLS
        raise NotNow(_told(error)) from error


def _answer(error: Exception, codes: set[int]) -> Exception:
    """What the server's codes mean. Until it says 250 to the message, it has not taken it."""
    if all(_is_for_now(code) for code in codes):
        return NotNow(_told(error))
    if all(500 <= code < 600 or _is_for_now(code) for code in codes):
        return Refused(_told(error))
    return Unknown(_told(error))


def _is_for_now(code: int) -> bool:
    return 400 <= code < 500


def _told(error: Exception) -> str:
    return f"mail server: {type(error).__name__}"
