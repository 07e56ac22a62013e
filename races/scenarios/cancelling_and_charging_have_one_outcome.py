"""A customer cancels in the moment in which the charge begins: one of the two happens."""

from django.db import transaction

from races import trade
from races.explorer import Question
from races.models import Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1, state="placed")


def check() -> None:
    state, taken = Job.objects.get(pk=1).state, trade.bank.status == "succeeded"
    assert taken == (state == "charged"), f"the order is {state}, and {'' if taken else 'not '}paid"


def held() -> None:
    trade.new_day(intent="requires_capture")


def held_and_shipped() -> None:
    trade.new_day(intent="requires_capture", parcel="created")


def look_then_charge() -> None:
    if Job.objects.get(pk=1).state == "placed":
        trade.capture(key="", intent="", amount=0)
        Job.objects.filter(pk=1).update(state="charged")


def look_then_cancel() -> None:
    if Job.objects.get(pk=1).state == "placed":
        Job.objects.filter(pk=1).update(state="cancelled")


def begin_then_charge() -> None:
    if Job.objects.filter(pk=1, state="placed").update(state="charging"):
        trade.capture(key="", intent="", amount=0)
        Job.objects.filter(pk=1).update(state="charged")


def cancel_unless_begun() -> None:
    with transaction.atomic():
        Job.objects.filter(pk=1, state="placed").update(state="cancelled")


def setup_ours() -> None:
    trade.placed("reserve", "authorise", "ship")


def charge() -> None:
    trade.take("capture")


def check_ours() -> None:
    order, bank = trade.order(), trade.bank.status
    known = {("shipped", "succeeded", 1), ("cancelled", "canceled", 0)}
    seen = (order.status, bank, trade.shipped())
    assert seen in known, f"the order is {seen[0]}, the payment {seen[1]}, {seen[2]} parcels leave"


SCENARIO = Scenario(
    claim="Cancelling and charging have one outcome",
    naive=(
        Form(
            "look, then do",
            Question((look_then_charge, look_then_cancel), alone(check), setup, held),
            "both see it placed",
        ),
    ),
    holds=(
        Form(
            "begin, then charge",
            Question((begin_then_charge, cancel_unless_begun), alone(check), setup, held),
            "once the charge has begun, cancelling comes too late, and is told so",
        ),
        Form(
            "run_step and cancel_order",
            Question(
                (charge, trade.cancel),
                alone(check_ours),
                setup_ours,
                begin=held_and_shipped,
                around=trade.providers,
                aftermath=trade.time_passes,
                kills=1,
                deaths_within=0,
            ),
            "our services: the pivot begins, or the run turns back, under the run's row lock",
            ours=True,
            spare=trade.SPARE,
        ),
    ),
    why="Both look, both see an order that is neither charged nor cancelled, and both act.",
    cure=(
        "Write down that the charge begins before it is made, and let cancelling ask for exactly "
        "that, both under one lock."
    ),
)
