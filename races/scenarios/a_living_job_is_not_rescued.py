"""A job takes long, and somebody takes it for lost: it is done once all the same."""

from django.db import transaction
from django.db.models import F

from outbox.models import Message
from races import lab, night, shop
from races.explorer import Question, point
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone

CHECK = "outbox.due_too_long"


def setup() -> None:
    Job.objects.create(pk=1)


def check() -> None:
    count = Effect.objects.count()
    assert count == 1, f"one job was done {count} times"


def claim_then_work() -> None:
    if Job.objects.filter(pk=1, state="pending").update(state="running", token=F("token") + 1):
        point("work for a long time")
        Effect.objects.create(operation="job")
        Job.objects.filter(pk=1).update(state="done")


def rescue_then_work() -> None:
    Job.objects.filter(pk=1, state="running").update(state="pending")
    claim_then_work()


def hold_and_work() -> None:
    with transaction.atomic():
        for job in Job.objects.select_for_update(skip_locked=True).filter(pk=1, state="pending"):
            point("work for a long time")
            Effect.objects.create(operation="job")
            job.state = "done"
            job.save(update_fields=["state"])


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")
    night.begin(CHECK)


def work() -> None:
    shop.consume(0)


def rescue_and_work() -> None:
    """What it rings for, a worker looks at."""
    night.compare()
    shop.consume(0)


def check_ours() -> None:
    price, found = shop.price(), night.findings()
    assert price == 90, f"10 % off 100, by whomever, made {price:.0f}"
    shop.assert_history_agrees()
    assert found in ([], ["due_too_long"]), f"found {found}"
    assert Message.objects.get().state == "done"


SCENARIO = Scenario(
    claim="A living job is not rescued",
    naive=(
        Form(
            "running for too long",
            Question((claim_then_work, rescue_then_work), alone(check), setup),
            "whoever looks sees a state and a time, and not whether anybody is at work",
        ),
    ),
    holds=(
        Form(
            "the row lock is the lease",
            Question((hold_and_work, hold_and_work), alone(check), setup, kills=1),
            "who works holds the row; who finds it free may work",
        ),
        Form(
            "reconciliation and consumer",
            Question(
                (work, rescue_and_work),
                alone(check_ours),
                setup_ours,
                begin=lab.broker.empty,
                kills=1,
                bound=2,
                deaths_within=0,
            ),
            "ours: what is being run is held, so it is no finding; what is not is rung for again, "
            "and whoever comes second finds it done",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                **night.ONE_DRIVES,
                "in SELECT outbox_message": "a wrong suspicion only rings once more, and the "
                "dispatch finds nothing to do",
            },
        ),
    ),
    why="A state that was committed before the work says nothing about who is alive.",
    cure=(
        "Work while holding the row: the database knows at once when a worker is gone. And let a "
        "rescue be a hint that changes nothing."
    ),
)
