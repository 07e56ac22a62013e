"""The commit succeeds and its reply is lost: whoever asks again must not buy again."""

from collections.abc import Callable

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from credits import services
from races import club
from races.explorer import Question
from races.models import Account, Receipt
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=0)


def check() -> None:
    bought = Account.objects.get(pk=1).credits
    assert bought == 5, f"5 credits were asked for once, and {bought} were bought"


def until_told(job: Callable[[], None]) -> None:
    """What a client does that hears nothing: it asks again."""
    try:
        job()
    except OperationalError:
        connection.close()
        job()


def buy() -> None:
    with transaction.atomic():
        Account.objects.filter(pk=1).update(credits=F("credits") + 5)


def buy_until_told() -> None:
    until_told(buy)


def key_in_a_transaction_of_its_own() -> None:
    """Remembered before, so that nothing is done twice; and perhaps not once."""
    _, new = Receipt.objects.get_or_create(operation="purchase")
    if new:
        buy()


def key_after_the_effect() -> None:
    if not Receipt.objects.filter(operation="purchase").exists():
        buy()
        Receipt.objects.create(operation="purchase")


def key_in_the_same_transaction() -> None:
    try:
        with transaction.atomic():
            Receipt.objects.create(operation="purchase")
            Account.objects.filter(pk=1).update(credits=F("credits") + 5)
    except IntegrityError:
        return  # bought already


def keyed_until_told() -> None:
    until_told(key_in_the_same_transaction)


def setup_ours() -> None:
    club.found(members=0)


def buy_ours() -> None:
    until_told(press_the_button)


def press_the_button() -> None:
    services.buy_credits(slug=club.SLUG, amount=5, actor="race", key="the button")


def check_ours() -> None:
    bought = club.community().credits
    assert bought == 5, f"5 credits were asked for once, and {bought} were bought"
    club.assert_sums_agree()


SCENARIO = Scenario(
    claim="A lost commit reply buys once",
    naive=(
        Form(
            "ask again",
            Question((buy_until_told,), alone(check), setup, acks=1),
            "the first one was committed; nobody heard of it",
        ),
        Form(
            "the key first",
            Question((key_in_a_transaction_of_its_own,), alone(check), setup, kills=1),
            "a death in between: remembered, and never done",
        ),
        Form(
            "the key afterwards",
            Question((key_after_the_effect,), alone(check), setup, kills=1),
            "a death in between: done, and done again",
        ),
    ),
    holds=(
        Form(
            "the key in the same transaction",
            Question((keyed_until_told,) * 2, alone(check), setup, kills=1, acks=1),
            "unique: the second one finds it, or waits for it",
            constraints=[("races_receipt", "receipt_once_per_operation")],
        ),
        Form(
            "buy_credits",
            Question((buy_ours,) * 2, alone(check_ours), setup_ours, kills=1, acks=1),
            "our service, asked by two: the ledger's entry is unique for its operation",
            ours=True,
            constraints=[("credits_creditentry", "credit_entry_once_per_operation")],
            spare={"held >=": "nobody gives back more than is held; a CHECK says so as well"},
        ),
    ),
    why=(
        "To the client a lost reply to COMMIT looks like a failure. Asking again is right, and "
        "does the thing twice unless the database knows that it is the same request."
    ),
    cure="Store the request's key in the transaction of its effect, under a unique constraint.",
    refuses="The unique constraint ends the second one with 23505.",
)
