"""A worker dies around its note that the job is done: the effect happens once all the same."""

from django.db import transaction

from races import shop
from races.explorer import Question
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1)


def check() -> None:
    count = Effect.objects.count()
    assert count == 1, f"the effect of one job happened {count} times"


def pending() -> bool:
    return Job.objects.filter(pk=1, state="pending").exists()


def done() -> None:
    Job.objects.filter(pk=1).update(state="done")


def marked_after_the_commit() -> None:
    if pending():
        with transaction.atomic():
            Effect.objects.create(operation="effect")
        done()


def marked_before_the_effect() -> None:
    if pending():
        done()
        with transaction.atomic():
            Effect.objects.create(operation="effect")


def marked_with_the_effect() -> None:
    with transaction.atomic():
        if Job.objects.select_for_update(skip_locked=True).filter(state="pending").exists():
            Effect.objects.create(operation="effect")
            done()


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def deliver() -> None:
    shop.consume(0)


def check_ours() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, once, made {price:.0f}"
    shop.assert_history_agrees()


SCENARIO = Scenario(
    claim="Done is committed with the effect",
    naive=(
        Form(
            "marked done after the commit",
            Question((marked_after_the_commit,), alone(check), setup, kills=1),
            "dies in between: the effect happens again",
        ),
        Form(
            "marked done before the effect",
            Question((marked_before_the_effect,), alone(check), setup, kills=1),
            "dies in between: the effect never happens",
        ),
    ),
    holds=(
        Form(
            "marked in the effect's transaction",
            Question((marked_with_the_effect,) * 2, alone(check), setup, kills=1),
            "one commit says both",
        ),
        Form(
            "the consumer",
            Question(
                (deliver,),
                alone(check_ours),
                setup_ours,
                kills=1,
                acks=1,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours, killed at every point, the reply to its commit lost at any (two at once: see "
            "a_job_delivered_twice_runs_once)",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE": "one worker is here; it keeps two of them apart "
                "(a_failing_job_waits_before_it_runs_again)",
            },
        ),
    ),
    why="The effect and the note of it are two commits, and a process can die between any two.",
    cure="One transaction: claim, effect, done. What is not done was not begun either.",
)
