"""The sagas of this shop. Each table is the business rule; `engine/` carries any of them out.

Steps run in order. Where one is refused or given up before the pivot is done, the compensations of
those that happened, or may have happened, run in reverse. After the pivot there is no way back:
what follows is tried until it is done. A compensation, or a step behind the pivot, that fails for
good goes to a person as a dead letter; redriven, it goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orders import endings
from orders.models import SagaRun
from orders.steps import payments, receipts, shipping, stock
from outbox import Retry


@dataclass(frozen=True)
class Here:
    """An effect in our own database: it commits with the step, or neither does."""

    effect: Callable[[SagaRun], None]


@dataclass(frozen=True)
class Outside:
    """A call to a provider, outside any transaction; then its result, in one."""

    call: Callable[[SagaRun], Any]
    then: Callable[[SagaRun, Any], None]


Action = Here | Outside

A_CUSTOMER_WAITS = Retry(limit=12, base=timedelta(seconds=0.5), cap=timedelta(seconds=8))
UNTIL_DONE = Retry(limit=60, base=timedelta(seconds=0.5), cap=timedelta(minutes=1))
"""Half an hour or so; what a provider has not answered by then, a person should know of."""

LEASE = timedelta(seconds=20)
"""How long one attempt may take, its lookups included; a dead worker's is taken up after this."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the table."""

    name: str
    do: Action
    undo: Action | None = None
    pivot: bool = False
    retry: Retry = A_CUSTOMER_WAITS
    undo_retry: Retry = UNTIL_DONE
    lease: timedelta = LEASE
    repeatable: bool = True  # False: one that ended unknown is never tried again


@dataclass(frozen=True)
class Saga:
    """A table of steps, and what their end means to the order."""

    name: str
    steps: tuple[Step, ...]
    tell: Callable[[SagaRun], None]  # called in the transaction of each change of the run's state

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    def is_behind_pivot(self, name: str) -> bool:
        """Whether the pivot is done by the time that this step's turn has come."""
        names = [step.name for step in self.steps]
        pivots = [names.index(step.name) for step in self.steps if step.pivot]
        return bool(pivots) and names.index(name) > pivots[0]


ORDER = Saga(
    "order",
    steps=(
        Step(
            name="reserve",
            do=Here(stock.reserve),
            undo=Here(stock.release),
        ),
        Step(
            name="authorise",
            do=Outside(payments.authorise, payments.note_held),
            undo=Outside(payments.let_go, payments.note_let_go),
        ),
        Step(
            name="ship",
            do=Outside(shipping.ship, shipping.note_shipped),
            undo=Outside(shipping.call_back, shipping.note_called_back),
        ),
        Step(
            name="capture",
            do=Outside(payments.capture, payments.note_captured),
            pivot=True,
            retry=UNTIL_DONE,
        ),
        Step(
            name="book_out",
            do=Here(stock.take),
        ),
    ),
    tell=endings.of_order,
)

REFUND = Saga(
    "refund",
    steps=(
        Step(
            name="refund",
            do=Outside(payments.refund, payments.note_refunded),
            pivot=True,
            retry=UNTIL_DONE,
        ),
        Step(
            name="restock",
            do=Here(stock.put_back),
        ),
    ),
    tell=endings.of_refund,
)

RECEIPT = Saga(
    "receipt",
    steps=(
        Step(
            name="send",
            do=Outside(receipts.send, receipts.note_sent),
            retry=UNTIL_DONE,
            repeatable=False,  # nobody wants two; whether one went out, no mail server can tell
        ),
    ),
    tell=endings.of_receipt,
)

SAGAS = {saga.name: saga for saga in (ORDER, REFUND, RECEIPT)}


def of(run: SagaRun) -> Saga:
    """The table that a run follows."""
    return SAGAS[run.saga]
