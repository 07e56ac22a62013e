"""What takes several acts in one order, about one order: the third part of the machine in
test_saga.py; and what its steps must say after each act."""

from typing import Any

from hypothesis import strategies as some
from hypothesis.stateful import initialize, rule

from orders.models import SagaRun, SagaStep
from outbox.handlers import CRASH_LIMIT
from outbox.models import Message
from tests.orders.shop import stock_of
from tests.stateful.saga_acts import FAULTS, WHERE, Placed, Shop
from tests.stateful.saga_world import crash, faults_of, frozen, messages_of, met, run

STORIES = some.sampled_from(
    [
        "it_is_cancelled_on_its_way",
        "its_charge_is_in_doubt",
        "its_message_dies",
        "all_comes_again",
    ]
)
STEPS = some.sampled_from(["capture", "ship", "authorise", "reserve"])
IN_DOUBT = some.sampled_from(["error_before", "outage", "rate_limited"])
"""Faults of a charge after which it has not happened, though that is not said each time."""

State = SagaStep.State


class Stories(Shop):
    """Each example begins with one, and has further ones in between."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[int, tuple[Any, ...]] = {}
        """Steps that had happened, or were undone, with what they said then."""

    @initialize(data=some.data(), quantity=some.integers(1, 3), story=STORIES)
    def begin(self, data: Any, quantity: int, story: str) -> None:
        """Not left to a rule: Hypothesis leaves some out of each example, and that one may be."""
        self.tell(data, quantity, story)

    @rule(data=some.data(), quantity=some.integers(1, 2), story=STORIES)
    def tell(self, data: Any, quantity: int, story: str) -> None:
        """One of these stories, of a new order, where there are goods left."""
        name = len(self.orders)
        on_hand, reserved = stock_of(self.sku)
        if quantity <= on_hand - reserved:
            self.place(quantity, "pm_card_visa", None)
            getattr(self, story)(data, self.orders[name])

    def it_is_cancelled_on_its_way(self, data: Any, order: Placed) -> None:
        """While a step's call is made, or is to be made again: before the charge, and no later."""
        message = self._get_to(order, data.draw(STEPS))
        if message is None:
            return
        held = list[Any]()
        if data.draw(some.booleans()):
            with frozen(data.draw(WHERE)) as held:
                run(message)
            self.frozen += held
        else:
            self._meet_any(data, message)
        self.check_steps()
        self.cancel_one(order)
        for act in held:
            self.thaw_one(act, data.draw(some.sampled_from(FAULTS)))

    def its_charge_is_in_doubt(self, data: Any, order: Placed) -> None:
        """To the last attempt: a person decides then, since there may be no way back."""
        while message := self._get_to(order, "capture"):
            with met(f"payments capture {data.draw(IN_DOUBT)}"):
                run(message)
            self.check_steps()

    def its_message_dies(self, data: Any, order: Placed) -> None:
        """With each worker that takes it; its order goes on, or back, meanwhile."""
        message = self._get_to(order, data.draw(some.sampled_from(["authorise", "ship"])))
        if message is None:
            return
        self._meet_any(data, message)
        found = [one for one in messages_of(order.id, "pending") if "step" in one.args]
        if data.draw(some.booleans()):
            self.cancel_one(order)
        for _ in range(CRASH_LIMIT):
            for one in found[:1]:
                one.refresh_from_db()
                crash(one)
        self.check_steps()
        self._get_to(order, "none")

    def all_comes_again(self, data: Any, order: Placed) -> None:
        """What has had its end: each of its messages, once more."""
        if message := self._get_to(order, data.draw(STEPS)):
            self._meet_any(data, message)
        for one in messages_of(order.id, "done"):
            self.deliver_once_more(one)
            self.check_steps()

    # ---------------------------------------------------------------------------------------------

    def _get_to(self, order: Placed, name: str) -> Message | None:
        """Have the order go on until it is this step's turn; None: it does not come to that."""
        for _ in range(12):
            waiting = messages_of(order.id, "pending")
            if not waiting:
                return None
            if waiting[0].args.get("step") == name and not waiting[0].args["undo"]:
                return waiting[0]
            run(waiting[0])
            self.check_steps()
        return None

    def _meet_any(self, data: Any, message: Message) -> None:
        with met(data.draw(some.sampled_from(faults_of(message)))):
            run(message)

    def check_steps(self) -> None:
        """Nothing is done twice; a charge in doubt is no way back; a person knows what waits."""
        runs = {one.pk: one for one in SagaRun.objects.filter(order__in=self._ids())}
        for step in SagaStep.objects.filter(run__in=runs):
            says = (step.backwards, step.state, step.attempts, step.undo_attempts)
            before = self.done.pop(step.pk, says)
            assert says == before or (step.backwards and not before[0]), (step, before)
            if step.state == State.DONE:
                self.done[step.pk] = says
            if step.name == "capture":
                assert step.state != State.IN_DOUBT
            if step.state == State.NEEDS_PERSON:
                assert runs[step.run_id].state == SagaRun.State.NEEDS_PERSON
                named = {"args__step": step.name, "args__undo": step.backwards}
                theirs = Message.objects.filter(args__run_id=str(step.run_id), **named)
                assert theirs.filter(state__in=["dead", "pending"]).exists(), step
        stuck = [one.pk for one in runs.values() if one.state == SagaRun.State.NEEDS_PERSON]
        waiting = SagaStep.objects.filter(run__in=stuck, state=State.NEEDS_PERSON)
        assert sorted(waiting.values_list("run", flat=True)) == sorted(stuck)

    def _ids(self) -> list[Any]:
        return [one.id for one in self.orders.values()]
