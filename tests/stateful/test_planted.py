"""The machines can fail: each finds the bugs of planted.py."""

import pytest

from tests.stateful import planted, test_outbox

NOTICED = (AssertionError, pytest.fail.Exception)


@pytest.mark.usefixtures("outbox_world")
@pytest.mark.parametrize("bug", planted.OUTBOX)
def test_the_machine_of_the_outbox_finds(bug: str) -> None:
    with planted.OUTBOX[bug].planted(), pytest.raises(NOTICED):
        test_outbox.test_the_outbox_does_what_its_model_does()
