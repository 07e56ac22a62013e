"""A job fails; its back-off is written before anybody can take it again."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from outbox.models import Message
from races import failing, shop
from races.explorer import Outcome, Question
from races.models import Job
from races.scenario import Form, Scenario


def setup() -> None:
    Job.objects.create(pk=1)


def waits_for_the_living(outcomes: Sequence[Outcome]) -> None:
    """A death says nothing, so the job may run again after one. After a failure it waits."""
    tries, most = len(failing.tries), 1 + failing.deaths(outcomes)
    assert tries <= most, f"the job ran {tries} times at once, and failed each time"


def check(outcomes: Sequence[Outcome]) -> None:
    waits_for_the_living(outcomes)
    job = Job.objects.get(pk=1)
    assert (job.state, job.failures) == ("later", 1), f"{job.failures} failures, {job.state}"


def claim() -> Job | None:
    return Job.objects.select_for_update(skip_locked=True).filter(state="pending").first()


def write_after_the_rollback() -> None:
    try:
        with transaction.atomic():
            if claim() is None:
                return
            failing.fail()
    except failing.Broken:  # the rollback has let the row go, and it says nothing yet
        Job.objects.filter(pk=1).update(state="later", failures=F("failures") + 1)


def write_while_the_row_is_held() -> None:
    with transaction.atomic():
        job = claim()
        if job is None:
            return
        try:
            with transaction.atomic():
                failing.fail()
        except failing.Broken:
            Job.objects.filter(pk=job.pk).update(state="later", failures=F("failures") + 1)


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def deliver() -> None:
    shop.consume(0)


def failing_effect() -> AbstractContextManager[None]:
    return failing.instead_of_apply_reduction()


def check_ours(outcomes: Sequence[Outcome]) -> None:
    waits_for_the_living(outcomes)
    waiting = Message.objects.filter(Q(due_at__gt=Now()) | Q(crashes__gt=0), state="pending")
    assert failing.tries, "nobody has run the job"
    assert waiting.exists(), "it failed, and is due at once"


def _ask_ours(kills: int = 0, bound: int | None = None) -> Question:
    return Question(
        (deliver,) * 2,
        check_ours,
        setup_ours,
        begin=failing.forget,
        around=failing_effect,
        kills=kills,
        bound=bound,
    )


SCENARIO = Scenario(
    claim="A failing job waits before it runs again",
    naive=(
        Form(
            "the failure written after the rollback",
            Question((write_after_the_rollback,) * 3, check, setup, begin=failing.forget),
            "between the two the row is free, and the next worker takes it",
        ),
    ),
    holds=(
        Form(
            "the failure written while the row is held",
            Question(
                (write_while_the_row_is_held,) * 2, check, setup, begin=failing.forget, kills=1
            ),
            "the effect is undone to a savepoint, and the row lock stays",
        ),
        Form(
            "the consumer",
            _ask_ours(),
            "ours: attempt, error and back-off commit with the claim",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
        Form(
            "the consumer, killed",
            _ask_ours(kills=1, bound=1),
            "ours, dying anywhere: after a death the job runs again at once, after a failure not",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
    ),
    why=(
        "The rollback undoes the effect and lets the row go. Until the failure is written the row "
        "looks as if nobody had ever tried; a failing job was run up to three times in its first "
        "second."
    ),
    cure=(
        "Undo the effect to a savepoint and write the failure in the transaction that still holds "
        "the row. Only a dead transaction needs another one, guarded by state and attempt."
    ),
)
