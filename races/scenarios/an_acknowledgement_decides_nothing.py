"""A worker dies around the acknowledgement: early loses the job, late doubles it; ours does not."""

from typing import Any

from celery import shared_task
from django.db.models import F

from races import lab, shop
from races.explorer import Question
from races.models import Account
from races.scenario import Form, Scenario, alone


@shared_task(name="races.early", acks_late=False, ignore_result=True)  # type: ignore[untyped-decorator]
def early() -> None:
    Account.objects.filter(pk=1).update(credits=F("credits") + 1)


@shared_task(  # type: ignore[untyped-decorator]  # unsafe on purpose
    name="races.late", acks_late=True, ignore_result=True
)
def late() -> None:
    Account.objects.filter(pk=1).update(credits=F("credits") + 1)


def setup() -> None:
    Account.objects.create(pk=1, credits=0)


def check() -> None:
    total = Account.objects.get(pk=1).credits
    assert total == 1, f"one message adds 1, and the sum is {total}"


def publishes(task: Any) -> Any:
    def begin() -> None:
        lab.broker.empty()
        task.apply_async(queue="default")

    return begin


def work() -> None:
    lab.broker.worker()()


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def check_ours() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, however acknowledged, made {price:.0f}"
    shop.assert_history_agrees()


SCENARIO = Scenario(
    claim="An acknowledgement decides nothing",
    naive=(
        Form(
            "acknowledged early",
            Question((work, work), alone(check), setup, begin=publishes(early), kills=1),
            "Celery's default; the worker dies before the work",
        ),
        Form(
            "acknowledged late",
            Question((work, work), alone(check), setup, begin=publishes(late), kills=1),
            "acks_late; the worker dies between its commit and the acknowledgement",
        ),
    ),
    holds=(
        Form(
            "the consumer",
            Question(
                (work, work),
                alone(check_ours),
                setup_ours,
                begin=lambda: lab.redeliver(shop.HANDLER),
                kills=1,
                bound=1,
                aftermath=shop.time_passes_and_the_relay_rings,
            ),
            "ours: two dispatches of one message through Celery's tracer, a worker killed at every "
            "point; the row is the acknowledgement",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
    ),
    why=(
        "Work and acknowledgement are two commits in two systems. Before the work: a death loses "
        "it. After the work: a death repeats it."
    ),
    cure="The row that says “done” is committed with the work. The broker may think what it likes.",
)
