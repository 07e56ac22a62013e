"""The answer comes in the moment in which the lease ends: it counts, or it is evidence."""

from orders.models import SagaAttempt
from outbox.models import Message
from races import trade
from races.explorer import Question
from races.models import Effect, Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1, state="calling")


def check() -> None:
    followed = sorted(Effect.objects.values_list("operation", flat=True))
    assert len(followed) == 1, f"what followed was: {' and '.join(followed)}"
    state = Job.objects.get(pk=1).state
    assert {"the next step": "done", "another attempt": "failed"}[followed[0]] == state, (
        f"{followed[0]} followed, and the step is {state}"
    )


def look_then_answer() -> None:
    if Job.objects.get(pk=1).state == "calling":
        Job.objects.filter(pk=1).update(state="done")
        Effect.objects.create(operation="the next step")


def look_then_time_out() -> None:
    if Job.objects.get(pk=1).state == "calling":
        Job.objects.filter(pk=1).update(state="failed")
        Effect.objects.create(operation="another attempt")


def answer() -> None:
    if Job.objects.filter(pk=1, state="calling").update(state="done"):
        Effect.objects.create(operation="the next step")


def time_out() -> None:
    if Job.objects.filter(pk=1, state="calling").update(state="failed"):
        Effect.objects.create(operation="another attempt")


def setup_ours() -> None:
    trade.placed("reserve", "authorise")
    trade.begin("ship")


def day_of_shipping() -> None:
    trade.new_day(intent="requires_capture")


def check_ours() -> None:
    attempt, step = SagaAttempt.objects.latest("pk"), trade.step("ship")
    messages = Message.objects.filter(handler="orders.run_step")
    then = [message.args["step"] for message in messages.order_by("pk")][3:]
    assert trade.shipped() <= 1, f"{trade.shipped()} parcels leave"
    seen = (attempt.outcome, step.state, then)
    known = [("done", "done", ["capture"]), ("unknown", "retrying", ["ship"])]
    assert seen in known, f"the attempt is {seen[0]}, the step {seen[1]}, and {then} follow"


SCENARIO = Scenario(
    claim="An answer and a time-out have one outcome",
    naive=(
        Form(
            "look, then write",
            Question((look_then_answer, look_then_time_out), alone(check), setup),
            "both see it calling",
        ),
    ),
    holds=(
        Form(
            "conditional update",
            Question((answer, time_out), alone(check), setup),
            "the state changes once; who changed it says what follows",
        ),
        Form(
            "record and settle_attempt",
            Question(
                (trade.call, trade.settle),
                alone(check_ours),
                setup_ours,
                begin=day_of_shipping,
                around=trade.providers,
                kills=1,
                deaths_within=0,
            ),
            "our engine: both hold the run's row, and the second one finds the attempt ended",
            ours=True,
            spare=trade.CLOSED_ONCE,
        ),
    ),
    why="Both look, both see the call under way, and both decide what comes next.",
    cure=(
        "Whoever ends an attempt does so by a statement that only one can win, under the lock of "
        "the whole run; what comes later is kept as evidence and moves nothing."
    ),
)
