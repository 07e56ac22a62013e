"""The business row and the message that follows from it: both, or neither."""

from django.db import transaction

from outbox.models import Message
from pricing.models import PriceReduction
from races import lab, shop
from races.explorer import Question, point
from races.models import Account, Effect, Job
from races.scenario import Form, Scenario, alone


def check() -> None:
    orders, jobs = Account.objects.count(), Job.objects.count() + Effect.objects.count()
    assert (orders > 0) == (jobs > 0), f"{orders} orders and {jobs} jobs"


def event_after_the_transaction() -> None:
    if Account.objects.filter(pk=1).exists():
        return
    with transaction.atomic():
        Account.objects.create(pk=1)
    Job.objects.create()


def dispatch_on_commit() -> None:
    """The usual advice; the task is the only one who knows."""
    if Account.objects.filter(pk=1).exists():
        return
    with transaction.atomic():
        Account.objects.create(pk=1)
        transaction.on_commit(_dispatch)


def _dispatch() -> None:
    point("publish to the broker", "broker")
    Effect.objects.create(operation="dispatched")


def publish_inside_the_transaction() -> None:
    """The worker may be faster than the commit, and the commit may never come."""
    with transaction.atomic():
        Account.objects.get_or_create(pk=1)
        lab.shelf.append(1)


def work_off_the_shelf() -> None:
    point("take from the broker", "broker")
    if lab.shelf:
        lab.shelf.clear()
        found = Account.objects.filter(pk=1).exists()
        Effect.objects.create(operation="sent" if found else "found no order")


def nothing_is_missing() -> None:
    missed = Effect.objects.filter(operation="found no order").count()
    assert not missed, "the worker was faster than the commit and found no order"


def look() -> None:
    Account.objects.count()


def stock() -> None:
    shop.stock("A")


def schedule() -> None:
    shop.reduce(sku="A", key="the button")


def check_ours() -> None:
    reductions, messages = PriceReduction.objects.count(), Message.objects.count()
    assert reductions == messages == 1, f"{reductions} reductions and {messages} messages"


SCENARIO = Scenario(
    claim="An event is committed with its cause",
    naive=(
        Form(
            "event after the transaction",
            Question((event_after_the_transaction, look), alone(check), kills=1),
            "killed in between",
        ),
        Form(
            "dispatch on commit",
            Question((dispatch_on_commit, look), alone(check), kills=1),
            "killed between the commit and its hook",
        ),
        Form(
            "publish inside the transaction",
            Question(
                (publish_inside_the_transaction, work_off_the_shelf),
                alone(nothing_is_missing),
                begin=lab.forget_shelf,
            ),
            "the worker is faster than the commit",
        ),
    ),
    holds=(
        Form(
            "schedule_reduction",
            Question((schedule, schedule), alone(check_ours), stock, begin=lab.broker.empty),
            "our service: one transaction for the reduction, its targets and its message (both "
            "dying: see a_unique_job_is_enqueued_once)",
            ours=True,
        ),
        Form(
            "schedule_reduction, killed",
            Question((schedule, look), alone(check_ours), stock, begin=lab.broker.empty, kills=1),
            "the same, its process killed at every point and the request sent again",
            ours=True,
        ),
    ),
    why="Between two commits, or between a commit and its hook, a process can die.",
    cure="The message is a row of the same transaction; the dispatch is only a hint.",
)
