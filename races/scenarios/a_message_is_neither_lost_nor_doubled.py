"""Whoever publishes dies somewhere between the row and the broker: the effect happens once."""

from django.db import transaction

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


def mark_then_publish() -> None:
    with transaction.atomic():
        marked = Job.objects.filter(state="pending").update(state="published")
    if marked:
        publish()


def publish_then_mark() -> None:
    with transaction.atomic():
        waiting = Job.objects.select_for_update(skip_locked=True).filter(state="pending").exists()
    if waiting:
        publish()
        Job.objects.update(state="published")


def look() -> None:
    Job.objects.count()


def stock() -> None:
    shop.stock("A")


def request() -> None:
    """What a web process does: the business rows, the message, the dispatch after the commit."""
    shop.reduce(sku="A", key="the button")


def work() -> None:
    lab.broker.worker()()


def check_ours() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, scheduled once, made {price:.0f}"
    shop.assert_history_agrees()


SCENARIO = Scenario(
    claim="A message is neither lost nor doubled by its publisher",
    naive=(
        Form(
            "mark, then publish",
            Question((mark_then_publish, look), alone(check), setup, kills=1),
            "dies in between: never published",
        ),
        Form(
            "publish, then mark",
            Question((publish_then_mark, look), alone(check), setup, kills=1),
            "dies in between: published again",
        ),
    ),
    holds=(
        Form(
            "schedule, dispatch, consume",
            Question(
                (request, work),
                alone(check_ours),
                stock,
                begin=lab.broker.empty,
                kills=1,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours: a web process and a Celery worker, either killed at every point; afterwards the "
            "relay looks",
            ours=True,
            spare={
                **shop.CLAIMED_BEFORE,
                "FOR NO KEY UPDATE": "one worker consumes here; it keeps two of them apart "
                "(a_failing_job_waits_before_it_runs_again)",
            },
        ),
    ),
    why=(
        "Two systems, two commits. Between them there is a moment in which one knows and the "
        "other does not, and a process can die in it."
    ),
    cure=(
        "One commit: business rows and message together. The broker is only told that there is "
        "work, may lose it, and nothing that is marked depends on it."
    ),
)
