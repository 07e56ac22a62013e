"""A job kills its worker, or nobody works: each attempt that was made is counted, and no other."""

from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import F

from outbox import relay
from outbox.models import Message
from races import failing, lab, shop
from races.explorer import Outcome, Question, point
from races.models import Job
from races.scenario import Form, Scenario, alone

LIMIT = 3


def setup() -> None:
    Job.objects.create(pk=1)


def all_attempts_count(outcomes: Sequence[Outcome]) -> None:
    """One that dies between the note and the attempt is counted too: better once too often."""
    made, counted = len(failing.tries), Job.objects.get(pk=1).failures
    most = made + failing.deaths(outcomes)
    assert made <= counted <= most, f"{made} attempts were made, and {counted} are counted"


def counted_in_the_effects_transaction() -> None:
    with transaction.atomic():
        job = Job.objects.select_for_update(skip_locked=True).filter(state="pending").first()
        if job is not None and job.failures < LIMIT:
            Job.objects.filter(pk=1).update(failures=F("failures") + 1)
            failing.attempt()
            Job.objects.filter(pk=1).update(state="done")


def counted_before_the_attempt() -> None:
    """A commit of its own: what dies afterwards has been counted."""
    if Job.objects.filter(pk=1, state="pending").update(failures=F("failures") + 1):
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=1)
            failing.attempt()
            Job.objects.filter(pk=1).update(state="done")


def ring_and_count() -> None:
    """The relay counts whenever it rings; at the limit the job is dead."""
    for _ in range(LIMIT):
        waiting = Job.objects.filter(pk=1, state="pending")
        waiting.update(failures=F("failures") + 1)
        point("publish to the broker", "broker")
        waiting.filter(failures__gte=LIMIT).update(state="dead")


def work() -> None:
    """A worker that was away for a while."""
    if Job.objects.filter(pk=1, state="pending").update(state="done"):
        failing.attempt()


def nobody_gave_up_unheard() -> None:
    job = Job.objects.get(pk=1)
    assert job.state != "dead" or failing.tries, "the job is dead, and was never tried"


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def run_a_recorded_one() -> None:
    """A run that is not the message's first by its own dispatch, so that it leaves a record."""
    shop.consume()


def applied_in_the_end() -> None:
    assert shop.price() == 90, f"10 % off 100, once, made {shop.price():.0f}"


def deaths_are_counted(outcomes: Sequence[Outcome]) -> None:
    applied_in_the_end()
    died, counted = len(failing.tries) - 1, Message.objects.get().crashes
    assert died <= counted <= failing.deaths(outcomes), f"{died} died trying, {counted} counted"


def ring() -> None:
    relay.run_once()


def nothing_is_counted() -> None:
    applied_in_the_end()
    message = Message.objects.get()
    seen = (message.attempts, message.crashes)
    assert seen == (1, 0), f"one attempt was made; attempts and crashes are {seen}"


def twice(job: Callable[[], None]) -> tuple[Callable[[], None], Callable[[], None]]:
    return (job, job)


SCENARIO = Scenario(
    claim="An attempt is counted when it is made",
    naive=(
        Form(
            "counted in the effect's transaction",
            Question(
                (counted_in_the_effects_transaction,),
                all_attempts_count,
                setup,
                begin=failing.forget,
                kills=1,
            ),
            "what kills its worker takes its own count back, and is tried for ever",
        ),
        Form(
            "counted by whoever rings",
            Question(
                (ring_and_count, work), alone(nobody_gave_up_unheard), setup, begin=failing.forget
            ),
            "no worker runs for a while, and the job is buried untried",
        ),
    ),
    holds=(
        Form(
            "counted before the attempt",
            Question(
                (counted_before_the_attempt,),
                all_attempts_count,
                setup,
                begin=failing.forget,
                kills=1,
            ),
            "in a commit of its own, by the one who tries",
            spare={
                "FOR UPDATE": "one worker is here; it keeps two apart",
                "state = ": "who finds it done does not try; the count is the claim here",
            },
        ),
        Form(
            "the run record",
            Question(
                (run_a_recorded_one,),
                deaths_are_counted,
                setup_ours,
                begin=failing.forget,
                around=failing.before_apply_reduction,
                kills=1,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours: the record is committed before the run and deleted with its effect; the relay "
            "finds one that nobody holds, and counts a crash",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE": "one worker is here; it keeps two of them apart "
                "(a_failing_job_waits_before_it_runs_again)",
            },
        ),
        Form(
            "the relay",
            Question(
                twice(ring),
                alone(nothing_is_counted),
                setup_ours,
                begin=lab.broker.empty,
                aftermath=shop.time_passes_and_the_relay_rings,
                kills=1,
                deaths_within=0,
            ),
            "ours: two relays ring and no worker comes; ringing counts nothing",
            ours=True,
            spare={
                "FOR UPDATE SKIP LOCKED in SELECT outbox_run": "there is no run record here; it "
                "keeps a living run from being taken for a crash",
            },
        ),
    ),
    why=(
        "A count that is written with the effect is undone with it: what kills its worker leaves "
        "no trace. And a count of rings counts what was asked for, not what was done."
    ),
    cure="Count in a commit of its own, before the attempt, by the one who makes it.",
)
