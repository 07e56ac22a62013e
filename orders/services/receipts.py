"""Sending a receipt once more: a person's decision, as nobody knows about the first."""

from uuid import UUID

from django.db import transaction

from orders import engine
from orders.models import Receipt, SagaRun, SagaStep

ENDED_UNSENT = (SagaStep.State.IN_DOUBT, SagaStep.State.REFUSED)


class NotResendable(Exception):
    """There is no receipt, it went out, or it waits at the dead-letter desk."""


def resend_receipt(*, order_id: UUID | str, actor: str) -> Receipt:
    """Have the receipt sent once more where it was refused, or may not have gone out.

    The customer may get two: whoever asks accepts that. A second call while it is under way
    changes nothing. Raises NotResendable.
    """
    with transaction.atomic():
        run = SagaRun.objects.locked().filter(saga="receipt", order_id=order_id).first()
        if run is None:
            raise NotResendable("This order has no receipt: no e-mail address was given.")
        receipt = Receipt.objects.get(order_id=order_id)
        step = run.steps.get(name="send")
        if receipt.sent_at:
            raise NotResendable("The mail server has taken this receipt.")
        if step.state == SagaStep.State.NEEDS_PERSON:
            raise NotResendable("This receipt waits at the dead-letter desk: redrive it there.")
        if step.state in ENDED_UNSENT:
            engine.try_again(run, step, reason=f"sent again by {actor}")
    return receipt
