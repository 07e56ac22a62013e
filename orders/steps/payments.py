"""Payments: hold, take, release, give back; each once, whatever the provider answers or does not.

An intent is made first, unconfirmed, and its id kept: it holds nothing, so one too many is no harm.
Everything after that is about an intent that we know, and a look at it is proof.
"""

from collections.abc import Callable
from typing import Any

from orders.calls import Barred, NotNow, Refused, Unknown
from orders.models import Payment, PaymentEntry, SagaRun
from orders.providers import stripe_api, stripe_errors
from orders.steps import payment_keys

Kind = PaymentEntry.Kind


def authorise(run: SagaRun) -> Any:
    """Hold the order's total; returns the intent. Raises Refused where the card is."""
    payment = payment_of(run)
    payment.intent = payment.intent or _make_intent(run, payment)
    return _change(
        payment,
        "authorise",
        lambda key: stripe_api.confirm_intent(key=key, intent=payment.intent),
        reached={"requires_capture", "succeeded"},
        open_in={"requires_confirmation", "processing"},
    )


def note_held(run: SagaRun, _: Any) -> None:
    """Write the hold into our books."""
    _enter(run, Kind.HELD)


def capture(run: SagaRun) -> Any:
    """Take what is held. Raises Refused where it is held no longer, Barred where somebody else has
    taken another amount."""
    payment = payment_of(run)
    intent = _change(
        payment,
        "capture",
        lambda key: stripe_api.capture_intent(
            key=key, intent=payment.intent, amount=payment.amount
        ),
        reached={"succeeded"},
        open_in={"requires_capture", "processing"},
    )
    if intent.amount_received != payment.amount:
        raise Barred(f"{intent.amount_received} cents were taken, and not {payment.amount}")
    return intent


def note_captured(run: SagaRun, _: Any) -> None:
    """Write the charge into our books."""
    _enter(run, Kind.CAPTURED)


def let_go(run: SagaRun) -> list[str]:
    """Release what is held, or may be, or give back what was taken; returns what that moved.

    An intent that is cancelled can never hold anything again: a confirmation on its way comes too
    late. Where no intent is known, none was ever confirmed, and nothing is held.
    """
    payment = payment_of(run)
    if not payment.intent:
        return []
    intent = stripe_api.get_intent(payment.intent)
    if intent.status == "succeeded":
        _give_back(run, payment)
        return [Kind.HELD, Kind.CAPTURED, Kind.REFUNDED]
    if intent.status != "canceled":
        intent = _change(
            payment,
            "release",
            lambda key: stripe_api.cancel_intent(key=key, intent=payment.intent),
            reached={"canceled"},
            open_in={"requires_confirmation", "requires_capture", "processing"}
            | {"requires_payment_method", "requires_action"},
        )
    was_held = intent.latest_charge and not intent.last_payment_error
    return [Kind.HELD, Kind.RELEASED] if was_held else []


def note_let_go(run: SagaRun, moved: list[str]) -> None:
    """Write into our books what the provider says has happened, be it news or not."""
    for kind in moved:
        _enter(run, kind)


def refund(run: SagaRun) -> None:
    """Give the whole amount back. Raises Refused where nothing was taken, or it came back to us."""
    _give_back(run, payment_of(run))


def note_refunded(run: SagaRun, _: None) -> None:
    """Write the refund into our books."""
    _enter(run, Kind.REFUNDED)


def payment_of(run: SagaRun) -> Payment:
    """The order's payment."""
    return Payment.objects.select_related("order").get(order_id=run.order_id)


def _make_intent(run: SagaRun, payment: Payment) -> str:
    """The id of the order's intent: the one that is there already, or a new one."""
    key = payment_keys.take(payment, "intent")
    metadata = {"order": str(run.order_id), "operation": str(run.operation_id)}
    made = _find_intent(run) if key.repeated else None
    if made is None:
        try:
            made = stripe_api.create_intent(
                key=key.value,
                amount=payment.amount,
                payment_method=payment.order.payment_method,
                metadata=metadata,
            )
        except _stripe_error() as error:
            made = _find_intent(run) if stripe_errors.is_stored_failure(error) else None
            if made is None:
                raise _failure(error, payment, "intent") from error
    Payment.objects.filter(pk=payment.pk, intent="").update(intent=made.id)
    return Payment.objects.values_list("intent", flat=True).get(pk=payment.pk)


def _find_intent(run: SagaRun) -> Any | None:
    """An intent of the order's that could still be confirmed."""
    found = stripe_api.find_intents(order=str(run.order_id))
    return next((intent for intent in found if intent.status != "canceled"), None)


def _change(
    payment: Payment,
    purpose: str,
    ask: Callable[[str], Any],
    *,
    reached: set[str],
    open_in: set[str],
) -> Any:
    """Bring the intent into one of the states `reached`, once; returns it.

    A repetition looks first: the provider may have forgotten our key by then. While the intent is
    in one of the states `open_in`, nothing has happened; any other one is a definite no.
    """

    def look() -> Any | None:
        intent = stripe_api.get_intent(payment.intent)
        if intent.status in reached:
            return intent
        if intent.status in open_in:
            return None
        raise Refused(_why(intent))

    key = payment_keys.take(payment, purpose)
    if key.repeated and (intent := look()):
        return intent
    try:
        intent = ask(key.value)
    except _stripe_error() as error:
        wrong_state = stripe_errors.is_wrong_state(error)
        if (wrong_state or stripe_errors.is_stored_failure(error)) and (intent := look()):
            return intent
        if wrong_state:  # and it may get into the right one: "processing" may not be cancelled yet
            raise _further_key(payment, purpose, "it was refused for its state") from error
        raise _failure(error, payment, purpose) from error
    if intent.status in reached:
        return intent
    if intent.status in open_in:  # "processing": it may still get there
        raise Unknown(_why(intent))
    raise Refused(_why(intent))


def _give_back(run: SagaRun, payment: Payment) -> None:
    """Raises Refused where Stripe does not make it (too little on our account there, say), or where
    the customer's bank did not take it, which Stripe answers with 200.

    Under the same key it says either again and again. A person who has it tried once more therefore
    needs a further key.
    """
    key = payment_keys.take(payment, "refund")
    if key.repeated and _is_refunded(payment):
        return
    try:
        made = stripe_api.create_refund(
            key=key.value,
            intent=payment.intent,
            amount=payment.amount,
            metadata={"order": str(run.order_id), "operation": str(run.operation_id)},
        )
    except _stripe_error() as error:
        looks_further = stripe_errors.is_stored_failure(error) or stripe_errors.is_wrong_state(
            error
        )
        if looks_further and _is_refunded(payment):
            return
        failure = _failure(error, payment, "refund")
        if isinstance(failure, Refused):
            payment_keys.replace(payment, "refund", because=str(failure))
        raise failure from error
    if made.status in stripe_api.NOT_GIVEN_BACK:
        because = f"the refund {made.id} ended {made.status}"
        payment_keys.replace(payment, "refund", because=because)
        raise Refused(f"{because}: nothing was given back")


def _is_refunded(payment: Payment) -> bool:
    """Whether all of it was given back: a part that somebody gave by hand is not the whole."""
    refunds = stripe_api.list_refunds(intent=payment.intent)
    return stripe_api.given_back(refunds) >= payment.amount


def _failure(error: Any, payment: Payment, purpose: str) -> Exception:
    """What to raise for an error, after a look has shown that the call had no effect.

    Under a key that has a stored failure Stripe will say nothing else for a day. It is proven that
    nothing came of it, so the next attempt may have a further key, which is written down first.
    """
    if not stripe_errors.is_stored_failure(error):
        return stripe_errors.translate(error)
    return _further_key(payment, purpose, "the first answer was a failure, is repeated")


def _further_key(payment: Payment, purpose: str, said: str) -> NotNow:
    because = f"{said}, and nothing came of it"
    payment_keys.replace(payment, purpose, because=because)
    return NotNow(f"{because}; the next attempt has a key of its own")


def _why(intent: Any) -> str:
    declined = intent.last_payment_error
    said = getattr(declined, "message", None) if declined else None
    return f"payment refused: {said}" if said else f"the payment is {intent.status}"


def _enter(run: SagaRun, kind: str) -> None:
    """An entry of the ledger; a second one of the same kind is the first."""
    payment = payment_of(run)
    PaymentEntry.objects.get_or_create(
        payment=payment,
        kind=kind,
        defaults={"amount": payment.amount, "operation_id": run.operation_id},
    )


def _stripe_error() -> type[Exception]:
    import stripe

    return stripe.StripeError
