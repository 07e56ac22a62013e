"""Quick messages share one run record; whichever of them kills its worker, the record tells."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from django.db import transaction
from django.db.models import F

from outbox import runs
from outbox.models import Message, Run
from outbox.pace import Pace
from races import failing, shop
from races.explorer import Outcome, Question
from races.models import Job
from races.scenario import Form, Scenario

JOBS, RECORD = (1, 2), 9

RECORD_HELD = (
    "no relay looks while a run lives here; it keeps a long one from being taken for a crash "
    "(outbox/tests/test_runs_of_several.py)"
)
ELSEWHERE = (
    "not reached beside one preemption; a first run's claim breaks without it "
    "(a_failing_job_waits_before_it_runs_again)"
)


def setup() -> None:
    Job.objects.bulk_create(Job(pk=pk) for pk in JOBS)


def deaths_are_told(outcomes: Sequence[Outcome]) -> None:
    """A try that was undone is counted somewhere, and both jobs are done in the end."""
    undone = len(failing.tries) - len(JOBS)
    counted = sum(Job.objects.filter(pk__in=JOBS).values_list("failures", flat=True))
    assert Job.objects.filter(pk__in=JOBS, state="done").count() == len(JOBS)
    assert counted >= undone, f"{undone} tries ended in a death, and {counted} were counted"
    assert counted <= len(JOBS) * failing.deaths(outcomes), f"nobody died, and {counted} counted"


def _collect_the_dead() -> None:
    """What the relay does: a record that nobody holds is a crash of what it still names."""
    with transaction.atomic():
        if Job.objects.filter(pk=RECORD).delete()[0]:
            Job.objects.filter(pk__in=JOBS, state="pending").update(failures=F("failures") + 1)


def _run_both(is_used_up: Callable[[int], bool]) -> None:
    _collect_the_dead()
    Job.objects.create(pk=RECORD, state="record")
    for pk in JOBS:
        with transaction.atomic():
            if Job.objects.select_for_update().get(pk=pk).state == "pending":
                failing.attempt()
                Job.objects.filter(pk=pk).update(state="done")
            if is_used_up(pk):
                Job.objects.filter(pk=RECORD).delete()


def deleted_with_the_first() -> None:
    """As a record of one message is."""
    _run_both(lambda pk: pk == JOBS[0])


def deleted_with_the_last() -> None:
    _run_both(lambda pk: pk == JOBS[-1])


def setup_ours() -> None:
    shop.stock("A", "B")
    shop.scheduled(sku="A")
    shop.scheduled(sku="B")


def consume() -> None:
    """A dispatch without ids: both messages are due, and one record names them."""
    shop.consume()


@contextmanager
def records_of_two() -> Iterator[None]:
    """As after a quick message; the clock decides it otherwise, and no clock runs in a race."""
    with (
        failing.before_apply_reduction(),
        patch.object(Pace, "next_size", lambda self: len(JOBS)),
        patch.object(runs, "LONGEST_UNHELD", float("inf")),
    ):
        yield


def deaths_of_ours_are_told(outcomes: Sequence[Outcome]) -> None:
    """Who died in company is not counted, since nobody knows who it was: it runs alone."""
    for sku in ("A", "B"):
        assert shop.price(sku) == 90, f"10 % off 100, once, made {shop.price(sku):.0f}"
    shop.assert_history_agrees()
    undone = len(failing.tries) - len(JOBS)
    alone, crashes = Message.objects.filter(alone=True).count(), _crashes()
    assert not Run.objects.exists(), "a record stayed behind"
    assert alone + crashes >= undone, f"{undone} tries ended in a death, and no message tells of it"
    assert alone + crashes == 0 or failing.deaths(outcomes), "nobody died, and a message is suspect"


def _crashes() -> int:
    return sum(Message.objects.values_list("crashes", flat=True))


SCENARIO = Scenario(
    claim="A shared record tells of every death",
    naive=(
        Form(
            "deleted with the first",
            Question(
                (deleted_with_the_first,), deaths_are_told, setup, begin=failing.forget, kills=1
            ),
            "the second one kills its worker, and no record is left to say so",
        ),
    ),
    holds=(
        Form(
            "deleted with the last",
            Question(
                (deleted_with_the_last,), deaths_are_told, setup, begin=failing.forget, kills=1
            ),
            "in the commit of the last effect",
            spare={
                "FOR UPDATE": "one worker is here; it keeps two of them apart",
                "state = ": "who finds it done does not try; the count is the claim here",
            },
        ),
        Form(
            "the consumer",
            Question(
                (consume,),
                deaths_of_ours_are_told,
                setup_ours,
                begin=failing.forget,
                around=records_of_two,
                kills=1,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours: each claim holds the record, the last one deletes it",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE": "one worker is here; it keeps two of them apart "
                "(a_failing_job_waits_before_it_runs_again)",
                "FOR UPDATE in WITH": RECORD_HELD,
            },
        ),
        Form(
            "two consumers",
            Question(
                (consume, consume),
                deaths_of_ours_are_told,
                setup_ours,
                begin=failing.forget,
                around=records_of_two,
                kills=1,
                bound=1,
                deaths_within=0,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours: what one record names, no second one does",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE OF message": ELSEWHERE,
                "FOR NO KEY UPDATE SKIP LOCKED": ELSEWHERE,
                "FOR UPDATE in WITH": RECORD_HELD,
            },
        ),
    ),
    why=(
        "A run record tells of what kills its worker: it is committed before the run and deleted "
        "with its effect. Where several messages share one, the first effect's commit must not "
        "take away what would tell of the others."
    ),
    cure="Hold the record in each message's transaction, and delete it in the last one's.",
)
