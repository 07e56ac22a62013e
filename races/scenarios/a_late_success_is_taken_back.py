"""The order is cancelled while its call is still under way, and the call succeeds afterwards."""

from django.db import transaction

from races import trade
from races.explorer import Question
from races.models import Job
from races.scenario import Form, Scenario, alone

REFERENCE = "order 1"


def setup() -> None:
    Job.objects.create(pk=1, state="calling")


def check() -> None:
    parcels = trade.shipped()
    assert Job.objects.get(pk=1).state == "cancelled", "the order was not cancelled"
    assert not parcels, f"the order is cancelled, and {parcels} parcel leaves"


def ship() -> None:
    trade.ship(reference=REFERENCE)
    Job.objects.filter(pk=1, state="calling").update(state="shipped")


def ship_unless_called_back() -> None:
    try:
        ship()
    except trade.Refused:
        return  # cancelled before it was made


def take_back_what_is_recorded() -> None:
    """The time-out is over; nothing says that it was shipped."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=1)
        if job.state == "shipped":
            trade.call_back(reference=REFERENCE)
        Job.objects.filter(pk=1).update(state="cancelled")


def take_back_what_the_carrier_has() -> None:
    """It is asked, and has no parcel yet."""
    if trade.under_way():
        trade.call_back(reference=REFERENCE)
    Job.objects.filter(pk=1).update(state="cancelled")


def take_back_what_may_have_happened() -> None:
    """Said before it was made, too; the carrier keeps it in mind."""
    trade.call_back(reference=REFERENCE)
    Job.objects.filter(pk=1).update(state="cancelled")


def setup_ship() -> None:
    trade.placed("reserve", "authorise")
    trade.begin("ship")
    trade.cancel()


def setup_authorise() -> None:
    trade.placed("reserve")
    trade.begin("authorise")
    trade.cancel()


def take_back_shipping() -> None:
    """A customer has cancelled; the lease ends, and the way back begins."""
    trade.settle()
    trade.take("ship", undo=True)


def take_back_paying() -> None:
    trade.settle()
    trade.take("authorise", undo=True)


def check_shipping() -> None:
    assert not trade.shipped(), f"the order is {trade.order().status}, and a parcel leaves"
    assert trade.step("ship").status == "undone", f"shipping is {trade.step('ship').status}"


def check_paying() -> None:
    assert not trade.held(), f"the order is {trade.order().status}, and its money is held"
    assert trade.step("authorise").status == "undone", f"it is {trade.step('authorise').status}"


def day_of_shipping() -> None:
    trade.new_day(intent="requires_capture")


SCENARIO = Scenario(
    claim="A late success is taken back",
    naive=(
        Form(
            "take back what is recorded",
            Question((ship, take_back_what_is_recorded), alone(check), setup, trade.new_day),
            "what is not recorded is taken for what has not happened and will not",
        ),
        Form(
            "take back what the carrier has",
            Question((ship, take_back_what_the_carrier_has), alone(check), setup, trade.new_day),
            "it is asked while the call is still on its way",
        ),
    ),
    holds=(
        Form(
            "take back what may have happened",
            Question(
                (ship_unless_called_back, take_back_what_may_have_happened),
                alone(check),
                setup,
                trade.new_day,
                kills=1,
            ),
            "a cancellation that the carrier remembers, so that a late call ships nothing",
        ),
        Form(
            "the engine, ship",
            Question(
                (trade.call, take_back_shipping),
                alone(check_shipping),
                setup_ship,
                begin=day_of_shipping,
                around=trade.providers,
                kills=1,
                bound=1,
                deaths_within=0,
            ),
            "our engine: a step that may have happened is compensated like one that has",
            ours=True,
            spare=trade.CLOSED_ONCE,
        ),
        Form(
            "the engine, authorise",
            Question(
                (trade.call, take_back_paying),
                alone(check_paying),
                setup_authorise,
                begin=trade.new_day,
                around=trade.providers,
                kills=1,
                bound=1,
                deaths_within=0,
            ),
            "our engine with money: an intent that is cancelled never holds anything again",
            ours=True,
            spare=trade.CLOSED_ONCE,
        ),
    ),
    why=(
        "A time-out says nothing about the call. What was not recorded may have happened, and what "
        "has not happened yet may happen in a moment."
    ),
    cure=(
        "Compensate every step that may have happened, by an act that also holds in advance: "
        "cancelled at the provider under the reference, or the intent, of the call itself."
    ),
)
