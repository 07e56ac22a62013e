"""The machines can fail: each finds the bugs of planted.py."""

import pytest
from django.db import IntegrityError

from tests.stateful import planted, test_credits, test_outbox, test_saga

NOTICED = (AssertionError, pytest.fail.Exception, IntegrityError)
"""The model, an act that should have been refused, or the database's own constraints."""


@pytest.mark.usefixtures("outbox_world")
@pytest.mark.parametrize("bug", planted.OUTBOX)
def test_the_machine_of_the_outbox_finds(bug: str) -> None:
    with planted.OUTBOX[bug].planted(), pytest.raises(NOTICED):
        test_outbox.test_the_outbox_does_what_its_model_does()


@pytest.mark.usefixtures("credits_world")
@pytest.mark.parametrize("bug", planted.CREDITS)
def test_the_machine_of_credits_finds(bug: str) -> None:
    with planted.CREDITS[bug].planted(), pytest.raises(NOTICED):
        test_credits.test_credits_do_what_their_model_does()


@pytest.mark.usefixtures("saga_world")
@pytest.mark.parametrize("bug", planted.SAGA)
def test_the_machine_of_the_saga_finds(bug: str) -> None:
    with planted.SAGA[bug].planted(), pytest.raises(NOTICED):
        test_saga.test_an_order_has_one_of_its_ends()
