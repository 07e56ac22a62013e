"""One message of a batch fails, each time: its neighbour is done all the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

from django.db import transaction
from django.db.models import F

import outbox
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from races import failing, shop
from races.explorer import Question
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone

HANDLER = "races.batch"


def setup() -> None:
    Job.objects.create(pk=1)  # fails
    Job.objects.create(pk=2)


def check() -> None:
    good, bad = (Job.objects.get(pk=pk).state for pk in (2, 1))
    assert good == "done", f"the bad one is {bad}, and its neighbour is {good}"
    assert bad != "done"


def do(job: Job) -> None:
    if job.pk == 1:
        failing.fail("the bad one")
    job.state = "done"
    job.save(update_fields=["state"])


def take_it_whole() -> None:
    """Whoever comes next takes the same batch, and fails of the same message."""
    try:
        with transaction.atomic():
            for job in claimed():
                do(job)
    except failing.Broken:
        pass


def each_in_a_savepoint() -> None:
    with transaction.atomic():
        for job in claimed():
            try:
                with transaction.atomic():
                    do(job)
            except failing.Broken:
                Job.objects.filter(pk=job.pk).update(state="later", failures=F("failures") + 1)


def claimed() -> list[Job]:
    waiting = Job.objects.filter(state="pending").order_by("pk")
    return list(waiting.select_for_update(skip_locked=True))


@contextmanager
def batch_handler() -> Iterator[None]:
    """A batch handler of the races' own, known while they run."""

    def effect(messages: Sequence[outbox.Message]) -> None:
        for message in messages:
            if message.args["n"] == 1:
                failing.fail("the bad one")
            Effect.objects.create(operation="the good one")

    known = handlers.get("outbox.prune")
    ours = replace(known, name=HANDLER, function=effect, batch_size=10)
    with (
        patch.dict(handlers._registry, {HANDLER: ours}),
        patch.object(handlers.Retry, "delay", lambda *_: timedelta(minutes=1)),
    ):
        yield


_dispatched: list[UUID] = []


def setup_ours() -> None:
    with transaction.atomic():
        _dispatched[:] = outbox.enqueue_many(HANDLER, [{"n": 1}, {"n": 2}])
    shop.make_messages_overdue()


def deliver() -> None:
    consumer.consume(handlers.get(HANDLER), _dispatched, Delivery.here())


def afterwards() -> None:
    """Who died left a run record, which the relay finds."""
    shop.time_passes_and_the_relay_rings(HANDLER)


def check_ours() -> None:
    states = dict(Message.objects.values_list("args__n", "state"))
    assert states == {1: "pending", 2: "done"}, f"the bad one and its neighbour are {states}"
    assert Effect.objects.count() == 1, f"the neighbour ran {Effect.objects.count()} times"


SCENARIO = Scenario(
    claim="One bad message does not hold up its batch",
    naive=(
        Form(
            "taken whole by the next worker",
            Question((take_it_whole,) * 2, alone(check), setup, begin=failing.forget),
            "the batch is rolled back, and is the same batch for the next worker",
        ),
    ),
    holds=(
        Form(
            "each in a savepoint",
            Question((each_in_a_savepoint,) * 2, alone(check), setup, begin=failing.forget,
                     kills=1),
            "the bad one is undone by itself, and its failure written while it is held",
            spare={
                "FOR UPDATE SKIP LOCKED": "the claim here is what becomes of the good one; it "
                "keeps two runs of it apart (a_failing_job_waits_before_it_runs_again)",
                "state = %s": "what ends a job twice ends it the same way here",
            },
        ),
        Form(
            "the consumer",
            Question((deliver,) * 2, alone(check_ours), setup_ours, begin=failing.forget,
                     around=batch_handler, aftermath=afterwards, kills=1, bound=1,
                     deaths_within=0),
            "ours, with a batch handler of the races: a batch that fails is undone whole, and its "
            "messages are marked to run alone, uncounted",
            ours=True,
            spare=shop.CLAIMED_BEFORE | {
                "FOR NO KEY UPDATE OF message": "not reached in the schedules that are tried for "
                "one removal; a first run's claim breaks without it "
                "(a_failing_job_waits_before_it_runs_again)",
            },
        ),
    ),
    why=(
        "A batch is one transaction, so one bad message undoes all. What is then pending is what "
        "was pending before, and the next worker takes it in the same order."
    ),
    cure=(
        "A savepoint for each, where that is affordable; or mark the rows of a failed batch, still "
        "holding them, so that each runs alone next."
    ),
)  # fmt: skip
