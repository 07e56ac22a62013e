"""A step's message is delivered twice, or its worker dies: the parcel leaves once."""

from pricing.models import Stock
from races import trade
from races.explorer import Question
from races.models import Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1)


def check() -> None:
    parcels = trade.shipped()
    assert parcels == 1, f"one parcel was to leave, and {parcels} did"


def look_then_ship() -> None:
    if Job.objects.get(pk=1).state == "pending":
        trade.ship()
        Job.objects.filter(pk=1).update(state="done")


def mark_then_ship() -> None:
    if Job.objects.filter(pk=1, state="pending").update(state="done"):
        trade.ship()


def ship_under_a_reference() -> None:
    """Said as often as you like: the carrier knows the parcel by its reference."""
    if Job.objects.get(pk=1).state == "pending":
        trade.ship(reference="order 1")
        Job.objects.filter(pk=1).update(state="done")


def setup_reserve() -> None:
    trade.placed()


def reserve() -> None:
    trade.take("reserve")


def check_reserved() -> None:
    stock, step = Stock.objects.get(), trade.step("reserve")
    assert stock.reserved == trade.ORDERED, f"{stock.reserved} are reserved for {trade.ORDERED}"
    assert (step.state, step.attempts) == ("done", 1), f"the step is {step.state}"


def setup_ship() -> None:
    trade.placed("reserve", "authorise")


def ship() -> None:
    trade.take("ship")


def check_shipped() -> None:
    check()
    order = trade.order()
    assert order.status == "shipped", f"the parcel left, and the order is {order.status}"
    assert trade.bank.status == "succeeded", f"the payment is {trade.bank.status}"


def day_of_shipping() -> None:
    trade.new_day(intent="requires_capture")


SCENARIO = Scenario(
    claim="A step of a saga is done once",
    naive=(
        Form(
            "look, then ship",
            Question((look_then_ship,) * 2, alone(check), setup, begin=trade.new_day, kills=1),
            "both see that it is not done; or one dies before it can say so",
        ),
        Form(
            "mark, then ship",
            Question((mark_then_ship,), alone(check), setup, begin=trade.new_day, kills=1),
            "a death in between: marked as done, and never done",
        ),
    ),
    holds=(
        Form(
            "ship under a reference",
            Question(
                (ship_under_a_reference,) * 2, alone(check), setup, begin=trade.new_day, kills=1
            ),
            "the carrier answers the second one with the first one's parcel",
        ),
        Form(
            "run_step, reserve",
            Question((reserve,) * 2, alone(check_reserved), setup_reserve, kills=1),
            "our engine, a step in our own database: the run's row lock, and one transaction",
            ours=True,
            spare=trade.HELD_ELSEWHERE,
        ),
        Form(
            "run_step, ship",
            Question(
                (ship,),
                alone(check_shipped),
                setup_ship,
                begin=day_of_shipping,
                around=trade.providers,
                aftermath=trade.time_passes,
                kills=1,
            ),
            "our engine, a step that calls, killed at every point and delivered again; then the "
            "lease ends and the order goes on",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF orders_sagarun": "one worker is here; it keeps two of them "
                "apart (the form below)",
                **trade.SPARE,
            },
        ),
        Form(
            "run_step twice, ship",
            Question(
                (ship,) * 2,
                alone(check_shipped),
                setup_ship,
                begin=day_of_shipping,
                around=trade.providers,
                aftermath=trade.time_passes,
                kills=1,
                deaths_within=0,
            ),
            "our engine, twice at once: the second one finds it begun, or done",
            ours=True,
            spare=trade.SPARE,
        ),
    ),
    why=(
        "The carrier is in no transaction. Whoever looks first and says so afterwards is met by "
        "a second one in between; whoever says so first may never do it."
    ),
    cure=(
        "Commit that the call begins, under a lease; make it under a name that the provider "
        "knows again; commit its result. What no lease's owner has answered is asked again."
    ),
)
