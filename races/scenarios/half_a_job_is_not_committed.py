"""A job fails half way, and somebody catches the exception: nothing of its half is committed."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Sum

from outbox.models import Message
from races import failing, shop
from races.explorer import Outcome, Question
from races.models import Account
from races.scenario import Form, Scenario, alone


class Full(Exception):
    """There is no room on the other side."""


def setup() -> None:
    Account.objects.create(pk=1, credits=2)  # from here
    Account.objects.create(pk=2, credits=0)  # to here, where there is room for one


def check() -> None:
    total = Account.objects.aggregate(sum=Sum("credits"))["sum"]
    assert total == 2, f"2 credits were moved about, and {total} are left"


def move() -> None:
    Account.objects.filter(pk=1).update(credits=F("credits") - 1)
    if not Account.objects.filter(pk=2, credits__lt=1).update(credits=F("credits") + 1):
        raise Full


def caught_inside() -> None:
    with transaction.atomic():
        try:
            move()
        except Full:  # so that atomic() sees no exception, and commits the first half
            return


def caught_outside() -> None:
    try:
        with transaction.atomic():
            move()
    except Full:
        return


def caught_around_a_savepoint() -> None:
    with transaction.atomic():
        try:
            with transaction.atomic():
                move()
        except Full:
            return


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def deliver() -> None:
    shop.consume(0)


def check_ours(outcomes: Sequence[Outcome]) -> None:
    assert failing.tries, "nobody has run the job"
    assert shop.price() == 100, f"the job failed, and the price is {shop.price():.2f}"
    state = Message.objects.get().state
    assert state == "pending", f"the job failed, and its message is {state}"


SCENARIO = Scenario(
    claim="Half a job is not committed",
    naive=(
        Form(
            "caught inside atomic()",
            Question((caught_inside,) * 2, alone(check), setup),
            "the exception never reaches the block that would have rolled back",
        ),
    ),
    holds=(
        Form(
            "caught outside atomic()",
            Question((caught_outside,) * 2, alone(check), setup, kills=1),
            "the block sees the exception and rolls back",
            spare={"credits <": "how much room there is, which is another claim"},
        ),
        Form(
            "caught around a savepoint",
            Question((caught_around_a_savepoint,) * 2, alone(check), setup, kills=1),
            "the half is undone, and the transaction goes on",
            spare={"credits <": "how much room there is, which is another claim"},
        ),
        Form(
            "the consumer",
            Question(
                (deliver,) * 2,
                check_ours,
                setup_ours,
                begin=failing.forget,
                around=failing.instead_of_apply_reduction,
                kills=1,
                deaths_within=0,
            ),
            "ours: the effect fails after its first write; it runs in a savepoint, and the message "
            "is not done",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE OF message": "the effect fails whoever runs it; it keeps two "
                "runs apart (a_failing_job_waits_before_it_runs_again)",
            },
        ),
    ),
    why=(
        "transaction.atomic() commits whatever stands when its block ends without an exception. "
        "An exception that is caught inside it is none."
    ),
    cure=(
        "Catch outside the block, or put a block of its own (a savepoint) inside the try. Our "
        "consumer does the second, and refuses a handler that swallowed a database error."
    ),
)
