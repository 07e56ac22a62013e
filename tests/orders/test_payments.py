"""Keys, lookups, error classes: what keeps a payment from happening twice."""

from types import SimpleNamespace
from typing import Any

import pytest

from orders.calls import Barred, NotNow, Refused, Unknown
from orders.models import PaymentEntry, PaymentKey, SagaStep
from orders.providers import stripe_errors
from outbox import deadletters
from outbox.models import Message
from tests.orders.outcomes import outcome_of
from tests.orders.shop import again, place, stocked, work_off
from tests.sandbox.process import SandboxProcess

with_commits = pytest.mark.django_db(transaction=True)
silent = pytest.mark.usefixtures("silent")


def asked(sandbox: SandboxProcess, *operations: str) -> list[str]:
    return [
        one["operation"]
        for one in sandbox.control.requests("payments")
        if one["operation"] in operations
    ]


@with_commits
@silent
def test_the_key_is_stored_before_the_call(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.providers import stripe_api

    stocked()
    seen = []
    real = stripe_api._ask

    def looking(request: Any) -> Any:
        seen.append(
            list(PaymentKey.objects.exclude(used_at=None).values_list("purpose", flat=True))
        )
        return real(request)

    monkeypatch.setattr(stripe_api, "_ask", looking)
    order = place()
    work_off()
    assert seen[0] == ["intent"]
    assert outcome_of(order, sandbox) == "shipped"
    assert list(PaymentKey.objects.order_by("pk").values_list("key", flat=True)) == [
        f"order:{order.pk}:{purpose}" for purpose in ("intent", "authorise", "capture")
    ]


@pytest.mark.parametrize(
    ("operation", "purpose"),
    [("create", "intent"), ("confirm", "authorise"), ("capture", "capture")],
)
@with_commits
@silent
def test_a_stored_failure_is_looked_up_and_has_a_second_key_where_nothing_came_of_it(
    sandbox: SandboxProcess, operation: str, purpose: str
) -> None:
    stocked()
    sandbox.control.force("payments", "error_before", operation=operation)
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "shipped"
    keys = PaymentKey.objects.filter(purpose=purpose).order_by("number")
    assert [key.number for key in keys] == [1, 2]
    assert "nothing came of it" in keys[1].instead_because
    assert asked(sandbox, operation) == [operation] * 3
    assert asked(sandbox, "search", "retrieve")


@with_commits
@silent
@pytest.mark.parametrize("operation", ["create", "confirm", "capture"])
def test_a_stored_failure_that_did_happen_has_no_second_key(
    sandbox: SandboxProcess, operation: str
) -> None:
    stocked()
    sandbox.control.force("payments", "error_after", operation=operation)
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "shipped"
    assert set(PaymentKey.objects.values_list("number", flat=True)) == {1}


@with_commits
@silent
def test_a_redrive_after_the_provider_forgot_its_keys_looks_first(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    sandbox.control.force("payments", "reply_lost", operation="capture")
    sandbox.control.force("payments", "outage", operation="retrieve", times=20)
    capture = SagaStep.objects.filter(name="capture")
    work_off(until=lambda: capture.get().state == "retrying")
    capture.update(attempts=58)  # half an hour later
    work_off(until=lambda: again(order).status == "needs_person")
    sandbox.control.reset()
    sandbox.control.forget_idempotency_keys()
    before = len(asked(sandbox, "capture"))
    dead = Message.objects.get(state="dead")
    deadletters.redrive(dead.pk, actor="person")
    work_off()
    assert outcome_of(order, sandbox) == "shipped"
    assert len(asked(sandbox, "capture")) == before  # found by the look: it had been taken
    assert Message.objects.get(pk=dead.pk).key == dead.key


@with_commits
@silent
def test_a_compensation_that_fails_for_good_waits_for_a_person_and_goes_on_from_there(
    sandbox: SandboxProcess,
) -> None:
    stocked()
    sandbox.control.force("payments", "refused", operation="capture")
    sandbox.control.force("shipping", "refused", operation="cancel")
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "needs_person"
    assert SagaStep.objects.get(name="authorise").status == "done"
    deadletters.redrive(Message.objects.get(state="dead").pk, actor="person")
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert SagaStep.objects.get(name="ship").status == "undone"


@with_commits
@silent
def test_searching_lags_and_nothing_is_charged_twice(sandbox: SandboxProcess) -> None:
    stocked()
    sandbox.control.turn("payments_search_lag_seconds", 60)
    sandbox.control.force("payments", "error_after", operation="create")
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "shipped"


def every_class() -> list[type[Exception]]:
    import stripe
    from stripe import oauth_error

    assert oauth_error

    def below(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(one for sub in kind.__subclasses__() for one in below(sub))]

    return below(stripe.StripeError)


def test_every_class_of_the_client_library_is_in_the_table() -> None:
    named = {kind.__name__ for kind in every_class() if kind.__module__.startswith("stripe")}
    assert named == set(stripe_errors.VERDICTS)


def test_what_the_classes_of_everyday_mean() -> None:
    import stripe

    meanings = {
        stripe.CardError("declined", "", "card_declined"): Refused,
        stripe.InvalidRequestError("no such", "intent"): Refused,
        stripe.RateLimitError("slow down"): NotNow,
        stripe.AuthenticationError("wrong key", http_status=401): Barred,
        stripe.PermissionError("no such right", http_status=403): Barred,
        stripe.APIConnectionError("cut"): Unknown,
        stripe.APIError("broken", http_status=500): Unknown,
        stripe.APIError("in use", http_status=409): Unknown,
        stripe.IdempotencyError("other parameters"): Unknown,
    }
    for error, meaning in meanings.items():
        assert type(stripe_errors.translate(error)) is meaning


def test_a_class_that_is_not_in_the_table_is_unknown() -> None:
    import stripe

    class Newer(stripe.StripeError):
        pass

    assert isinstance(stripe_errors.translate(Newer("?")), Unknown)


@with_commits
@silent
def test_an_intent_that_cannot_be_cancelled_yet_is_asked_again_under_a_further_key(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Stripe answers while it is being processed; and under the same key for a day."""
    import stripe

    from orders.providers import stripe_api

    real, keys = stripe_api.cancel_intent, []

    def not_yet(*, key: str, intent: str) -> Any:
        keys.append(key)
        if len(keys) <= 2:
            raise stripe.InvalidRequestError(
                "You cannot cancel it.", None, code="payment_intent_unexpected_state"
            )
        return real(key=key, intent=intent)

    monkeypatch.setattr(stripe_api, "cancel_intent", not_yet)
    stocked()
    sandbox.control.force("shipping", "refused", operation="create")
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "cancelled"
    assert len(set(keys)) == len(keys) == 3


@with_commits
@silent
def test_another_amount_that_somebody_else_has_taken_is_for_a_person(
    sandbox: SandboxProcess,
) -> None:
    from orders.providers import stripe_api

    stocked()
    order = place()
    work_off(until=lambda: SagaStep.objects.get(name="ship").state == "done")
    stripe_api.capture_intent(key="by-hand", intent=again(order).payment.intent, amount=500)
    work_off()
    assert again(order).status == "needs_person"
    assert SagaStep.objects.get(name="capture").attempts == 1
    assert "500 cents were taken, and not 2000" in Message.objects.get(state="dead").last_error
    assert list(PaymentEntry.objects.values_list("kind", flat=True)) == ["held"]


@pytest.mark.parametrize("call", ["confirm_intent", "capture_intent"])
@with_commits
@silent
def test_an_intent_that_is_being_processed_is_no_definite_no(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from orders.providers import stripe_api

    real, answers = getattr(stripe_api, call), []

    def processing(**named: Any) -> Any:
        answers.append(real(**named))
        return SimpleNamespace(status="processing", last_payment_error=None)

    monkeypatch.setattr(stripe_api, call, processing)
    stocked()
    order = place()
    work_off()
    assert outcome_of(order, sandbox) == "shipped"
    assert len(answers) == 1, "the second attempt has looked, and it was done by then"
