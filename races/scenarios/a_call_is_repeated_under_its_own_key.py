"""A worker dies after it has called a provider: the call that follows is the same call."""

from django.db import transaction

from races import bank
from races.explorer import Question
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone

# The provider knows idempotency keys, as Stripe does: the same key again is answered from memory.


def setup() -> None:
    Job.objects.create(pk=1)


def check() -> None:
    charges = len(bank.charges)
    assert charges == 1, f"one payment was asked for, and {charges} were charged"


def pending() -> bool:
    return Job.objects.filter(pk=1, state="pending").exists()


def done() -> None:
    Job.objects.filter(pk=1).update(state="done")


def fresh_key_for_each_call() -> None:
    """What a client library does that makes up its keys by itself."""
    if pending():
        bank.charge(key=bank.fresh_key())
        done()


def key_stored_after_the_call() -> None:
    if pending():
        key = bank.fresh_key()
        bank.charge(key=key)
        with transaction.atomic():
            Effect.objects.create(operation=key)
            done()


def key_stored_before_the_call() -> None:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=1)
        if job.state != "pending":
            return
        stored = Effect.objects.first() or Effect.objects.create(operation=bank.fresh_key())
    bank.charge(key=stored.operation)
    done()


def key_of_the_operation() -> None:
    """Nothing to store: the key follows from what the call is for."""
    if pending():
        bank.charge(key="payment of job 1")
        done()


SCENARIO = Scenario(
    claim="A call is repeated under its own key",
    naive=(
        Form(
            "a fresh key for each call",
            Question((fresh_key_for_each_call,), alone(check), setup, begin=bank.forget, kills=1),
            "to the provider it is another payment",
        ),
        Form(
            "the key stored after the call",
            Question((key_stored_after_the_call,), alone(check), setup, begin=bank.forget, kills=1),
            "who comes after the death does not know it",
        ),
    ),
    holds=(
        Form(
            "the key stored before the call",
            Question(
                (key_stored_before_the_call,) * 2, alone(check), setup, begin=bank.forget, kills=1
            ),
            "committed before the call, and found by whoever comes again",
            spare={"state = ": "a second call under the same key is answered from memory"},
        ),
        Form(
            "the operation's own key",
            Question((key_of_the_operation,) * 2, alone(check), setup, begin=bank.forget, kills=1),
            "made from the operation, so that it is the same for everybody",
        ),
    ),
    why=(
        "A retry is the same call only if it says so. Under a fresh key the provider sees two "
        "payments, and both are right."
    ),
    cure=(
        "Store the key, committed, before the first call; or let it follow from the operation. And "
        "keep it for as long as the call may be repeated: the provider forgets it after a day."
    ),
    elsewhere=(
        "This project's own keys are written down before the first call under them; they are "
        "explored in [a_compensation_is_made_once](a_compensation_is_made_once.md), “the engine, "
        "refund”."
    ),
)
