"""Two relays find the same row: what it stands for happens once."""

from django.db import transaction

from outbox import relay
from races import lab, shop
from races.explorer import Question, point
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1)


def check() -> None:
    count = Effect.objects.count()
    assert count == 1, f"published {count} times"


def publish() -> None:
    point("publish to the broker", "broker")
    Effect.objects.create(operation="published")


def read_publish_mark() -> None:
    with transaction.atomic():
        for job in Job.objects.filter(state="pending"):
            publish()
            job.state = "published"
            job.save()


def claim_publish_mark() -> None:
    with transaction.atomic():
        for job in Job.objects.select_for_update(skip_locked=True).filter(state="pending"):
            publish()
            job.state = "published"
            job.save()


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def ring_and_work() -> None:
    relay.run_once()
    lab.broker.worker()()


def check_ours() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, whoever rang, made {price:.0f}"
    shop.assert_history_agrees()


SCENARIO = Scenario(
    claim="Two relays have one effect",
    naive=(
        Form(
            "read, publish, mark",
            Question((read_publish_mark,) * 2, alone(check), setup),
            "published states, two relays, no lock",
        ),
    ),
    holds=(
        Form(
            "SKIP LOCKED",
            Question((claim_publish_mark,) * 2, alone(check), setup, kills=1),
            "each takes what nobody else has",
        ),
        Form(
            "relay and consumer",
            Question((ring_and_work,) * 2, alone(check_ours), setup_ours, begin=lab.broker.empty,
                     bound=2),
            "ours: the relay publishes no states. Two ring twice, through Celery's own tracer; the "
            "consumer claims the row, and the second dispatch finds nothing to do",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR UPDATE SKIP LOCKED in SELECT outbox_run": "there is no run record here; it "
                "keeps a living run from being taken for a crash",
                "FOR NO KEY UPDATE OF message": "not reached in the schedules that are tried for "
                "one removal; a first run's claim breaks without it "
                "(a_failing_job_waits_before_it_runs_again)",
            },
        ),
        Form(
            "relay and consumer, killed",
            Question((ring_and_work,) * 2, alone(check_ours), setup_ours, begin=lab.broker.empty,
                     bound=0, kills=1, aftermath=shop.time_passes_and_the_relay_rings),
            "ours, one of the two dying at each of its points, without other preemption",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR ": "without preemption nobody meets a lock; the form above does",
            },
        ),
    ),
    why="Both relays read the row before either has marked it.",
    cure=(
        "FOR UPDATE SKIP LOCKED, if relays publish states. Ours does not: a dispatch is a hint, "
        "and only who holds the row runs it."
    ),
)  # fmt: skip
