"""The receipt, by e-mail: once, or nobody knows; never twice."""

import smtplib

from django.core.mail import EmailMessage
from django.db.models.functions import Now

from orders.calls import Barred, NotNow, Refused, Unknown
from orders.models import Receipt, SagaRun
from orders.receipt_text import body_of


def send(run: SagaRun) -> None:
    """Hand the receipt to the mail server. A second call sends a second one.

    | error | meaning |
    |---|---|
    | no connection was made | nothing went out, later it may |
    | we are not let in | nothing went out, and a person has to mend that |
    | the server refused sender, recipient or message (5xx) | refused |
    | anything after the message was handed over | nobody knows |
    """
    receipt = Receipt.objects.select_related("order").get(order_id=run.order_id)
    mail = EmailMessage(
        subject=f"Receipt for your order {receipt.order_id}",
        body=body_of(receipt.order),
        to=[receipt.email],
        headers={"Message-ID": f"<{run.pk}@onceproof>"},
    )
    try:
        mail.send()
    except smtplib.SMTPAuthenticationError as error:
        raise Barred(f"mail server: {type(error).__name__}") from error
    except (ConnectionRefusedError, smtplib.SMTPConnectError) as error:
        raise NotNow(f"mail server: {type(error).__name__}") from error
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise Refused(f"mail server: {type(error).__name__}") from error
    except Exception as error:
        raise Unknown(f"mail server: {type(error).__name__}") from error


def note_sent(run: SagaRun, _: None) -> None:
    """Write down that it went out."""
    Receipt.objects.filter(order_id=run.order_id, sent_at=None).update(sent_at=Now())
