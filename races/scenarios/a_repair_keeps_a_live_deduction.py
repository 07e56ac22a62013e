"""A repair sets a balance right while a text is being paid for: both count."""

from django.db import transaction
from django.db.models import F

from credits import services
from credits.models import Community
from races import club, night
from races.explorer import Question
from races.models import Account, Effect
from races.scenario import Form, Scenario, alone

PAID = 5
CHECK = "credits.balance_differs_from_entries"


def setup() -> None:
    Account.objects.create(pk=1, credits=9)  # nobody knows why: 5 were paid, and nothing was sent


def check() -> None:
    spent, left = Effect.objects.count(), Account.objects.get(pk=1).credits
    assert left == PAID - spent, f"{PAID} paid, {spent} spent, and {left} are left"


def deduct() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="text")
        Account.objects.filter(pk=1).update(credits=F("credits") - 1)


def compare_then_save() -> None:
    with transaction.atomic():
        account = Account.objects.get(pk=1)
        should_be = PAID - Effect.objects.count()
        if account.credits != should_be:
            account.credits = should_be
            account.save()


def hold_then_compare() -> None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=1)
        should_be = PAID - Effect.objects.count()
        if account.credits != should_be:
            Account.objects.filter(pk=1).update(credits=should_be)


def setup_ours() -> None:
    club.found(paid=PAID)
    Community.objects.update(credits=9)
    night.begin(CHECK)


def buy() -> None:
    services.buy_credits(slug=club.SLUG, amount=10, actor="race", key="once")


def check_ours() -> None:
    club.assert_sums_agree()
    left = club.community().credits
    assert left == PAID + 10, f"{PAID} and 10 were paid, and {left} are there"


SCENARIO = Scenario(
    claim="A repair keeps a live deduction",
    naive=(
        Form(
            "compare, then save",
            Question((compare_then_save, deduct), alone(check), setup),
            "in a transaction, which changes nothing: the deduction is overwritten",
        ),
    ),
    holds=(
        Form(
            "hold, then compare",
            Question((hold_then_compare, deduct), alone(check), setup, kills=1),
            "the row that every writer ends with is held before anything is read",
        ),
        Form(
            "reconciliation and buy_credits",
            Question((night.compare, buy), alone(check_ours), setup_ours, kills=1),
            "ours: a step of the night beside a live change of the same balance, either killed "
            "anywhere",
            ours=True,
            spare={
                **night.ONE_DRIVES,
                "slug = ": "it says which community is meant, and there is one",
                "held >=": "it refuses to lower what is held below nothing; buying raises credits",
            },
        ),
    ),
    why=(
        "The repair writes what followed from what it read. A deduction that commits in between "
        "was not in it."
    ),
    cure="Hold the row that every writer must write, then read, compare and write.",
)
