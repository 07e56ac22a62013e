"""The machines can fail: each finds the bugs of planted.py."""

import pytest

from tests.stateful import planted, test_credits, test_outbox, test_saga
from tests.stateful.profiles import finds


@pytest.mark.usefixtures("outbox_world")
@pytest.mark.parametrize("bug", planted.OUTBOX)
def test_the_machine_of_the_outbox_finds(bug: str) -> None:
    with planted.OUTBOX[bug].planted():
        assert finds(test_outbox.OutboxMachine, test_outbox.EFFORT)


@pytest.mark.usefixtures("credits_world")
@pytest.mark.parametrize("bug", planted.CREDITS)
def test_the_machine_of_credits_finds(bug: str) -> None:
    with planted.CREDITS[bug].planted():
        assert finds(test_credits.CreditsMachine, test_credits.EFFORT)


@pytest.mark.usefixtures("saga_world")
@pytest.mark.parametrize("bug", planted.SAGA)
def test_the_machine_of_the_saga_finds(bug: str) -> None:
    with planted.SAGA[bug].planted():
        assert finds(test_saga.SagaMachine, test_saga.EFFORT)
