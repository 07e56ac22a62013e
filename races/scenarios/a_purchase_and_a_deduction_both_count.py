"""Credits are bought in the moment in which others are spent: neither change is lost."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Sum

from credits import ledger, services
from races import club, failing
from races.explorer import Outcome, Question
from races.models import Account
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=5)


def check() -> None:
    left = Account.objects.get(pk=1).credits
    assert left == 12, f"5 credits, 10 bought and 3 spent, leave {left}"


def buy_by_save() -> None:
    account = Account.objects.get(pk=1)
    account.credits += 10
    account.save()


def spend_by_save() -> None:
    account = Account.objects.get(pk=1)
    if account.credits >= 3:
        account.credits -= 3
        account.save()


def buy_in_place() -> None:
    Account.objects.filter(pk=1).update(credits=F("credits") + 10)


def spend_guarded() -> None:
    Account.objects.filter(pk=1, credits__gte=3).update(credits=F("credits") - 3)


def buy_locked() -> None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=1)
        account.credits += 10
        account.save()


def spend_locked() -> None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=1)
        if account.credits >= 3:
            account.credits -= 3
            account.save()


def setup_ours() -> None:
    club.campaign(paid=5)


def buy() -> None:
    services.buy_credits(slug=club.SLUG, amount=10, actor="race", key="once")


def capture() -> None:
    with transaction.atomic():
        ledger.capture(community_id=club.community().pk, amount=1)


def check_ours(outcomes: Sequence[Outcome]) -> None:
    """Who buys asks again under the same key; a capture that died is asked for by its text."""
    community, may_be_held = club.community(), {0, min(1, failing.deaths(outcomes))}
    assert community.credits == 14, f"4 credits and 10 more are {community.credits}"
    assert community.held in may_be_held, f"1 was held and captured, and {community.held} are held"
    sums = community.entries.aggregate(all=Sum("amount"))
    assert sums["all"] == community.credits, "the balance is not the sum of the entries"


SCENARIO = Scenario(
    claim="A purchase and a deduction both count",
    naive=(
        Form(
            "read, add, save",
            Question((buy_by_save, spend_by_save), alone(check), setup),
            "the one who saves last wins, and the other's change is gone",
        ),
    ),
    holds=(
        Form(
            "F() and a guarded update",
            Question((buy_in_place, spend_guarded), alone(check), setup),
            "the database adds and subtracts",
            spare={"credits >=": "there is enough here; it refuses whoever would overdraw"},
        ),
        Form(
            "row lock",
            Question((buy_locked, spend_locked), alone(check), setup),
            "whoever reads in order to write holds the row",
        ),
        Form(
            "buy_credits and the ledger",
            Question(
                (buy, capture),
                check_ours,
                setup_ours,
                kills=1,
                comes_again=lambda worker: worker == "A",
            ),
            "our services: the ledger's statements change the row in place",
            ours=True,
            spare={"held >=": "nobody gives back more than is held; a CHECK says so as well"},
        ),
    ),
    why="Both read 5. The one who saves last writes what follows from 5, as if it had been alone.",
    cure="Let the database do the sum, or hold the row from the reading to the writing.",
)
