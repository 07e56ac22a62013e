"""A compensation is delivered twice, or its worker dies between its effect and its state."""

from django.db import transaction

from orders.models import PaymentEntry
from pricing.models import Stock
from races import trade
from races.explorer import Question
from races.models import Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1, state="charged")


def check() -> None:
    refunds = len(trade.bank.refunds)
    assert refunds == 1, f"the money was to be given back once, and was {refunds} times"


def charged() -> None:
    trade.new_day(intent="succeeded")


def refund_then_say_so() -> None:
    if Job.objects.get(pk=1).state == "charged":
        trade.refund()
        Job.objects.filter(pk=1).update(state="refunded")


def say_so_then_refund() -> None:
    if Job.objects.filter(pk=1, state="charged").update(state="refunded"):
        trade.refund()


def refund_in_the_transaction() -> None:
    with transaction.atomic():
        if Job.objects.select_for_update().get(pk=1).state == "charged":
            trade.refund()
            Job.objects.filter(pk=1).update(state="refunded")


def refund_under_a_key() -> None:
    if Job.objects.get(pk=1).state == "charged":
        trade.refund(key="refund of order 1")
        Job.objects.filter(pk=1).update(state="refunded")


def turn_back() -> None:
    trade.placed("reserve", "authorise")
    trade.cancel()


def setup_release() -> None:
    turn_back()
    trade.new_day(intent="requires_capture")
    trade.take("authorise", undo=True)


def release() -> None:
    trade.take("reserve", undo=True)


def check_release() -> None:
    stock, order = Stock.objects.get(), trade.order()
    assert stock.reserved == 0, f"{stock.reserved} are still reserved"
    assert stock.on_hand == trade.ON_HAND, f"{stock.on_hand} are on hand"
    assert order.status == "cancelled", f"the order is {order.status}"


def give_back() -> None:
    trade.take("authorise", undo=True)


def check_given_back() -> None:
    check()
    check_release()
    kinds = list(PaymentEntry.objects.order_by("kind").values_list("kind", flat=True))
    assert kinds == ["captured", "held", "refunded"], f"our books say {', '.join(kinds)}"


SCENARIO = Scenario(
    claim="A compensation is made once",
    naive=(
        Form(
            "refund, then say so",
            Question((refund_then_say_so,), alone(check), setup, charged, kills=1),
            "a death in between: given back, and given back again",
        ),
        Form(
            "say so, then refund",
            Question((say_so_then_refund,), alone(check), setup, charged, kills=1),
            "a death in between: said to be given back, and never given back",
        ),
        Form(
            "refund in the transaction",
            Question((refund_in_the_transaction,), alone(check), setup, charged, kills=1),
            "the row lock keeps the living apart; the rollback takes back the state, and not the "
            "refund",
        ),
    ),
    holds=(
        Form(
            "refund under a key",
            Question((refund_under_a_key,) * 2, alone(check), setup, charged, kills=1),
            "the bank answers the second one with the first one's refund",
        ),
        Form(
            "the engine, release",
            Question(
                (release,), alone(check_release), setup_release, around=trade.providers, kills=1
            ),
            "our engine, what is reserved in our own database: effect and state are one commit",
            ours=True,
            spare=trade.HELD_ELSEWHERE,
        ),
        Form(
            "the engine twice, release",
            Question(
                (release,) * 2,
                alone(check_release),
                setup_release,
                around=trade.providers,
                kills=1,
            ),
            "our engine, twice at once: the run's row lock lets one in after the other",
            ours=True,
            spare=trade.HELD_ELSEWHERE,
        ),
        Form(
            "the engine, refund",
            Question(
                (give_back,),
                alone(check_given_back),
                turn_back,
                begin=charged,
                around=trade.providers,
                aftermath=trade.time_passes,
                kills=1,
            ),
            "our engine, of money that turns out to be taken: the key is stored before the call, "
            "and who comes after a death looks first",
            ours=True,
            spare={
                "FOR NO KEY UPDATE OF orders_sagarun": "one worker is here; without it two of them "
                "end in a deadlock (the form below)",
                **trade.SPARE,
            },
        ),
        Form(
            "the engine twice, refund",
            Question(
                (give_back,) * 2,
                alone(check_given_back),
                turn_back,
                begin=charged,
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
        "The effect is with the provider and the state is with us: no commit holds both. Killed "
        "between the two, whoever comes next believes the state."
    ),
    cure=(
        "In our own database, one commit for both. Outside, a key that is stored before the call "
        "and known to the provider, and a look before it is used again."
    ),
)
