"""A schedule's text can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from races.explorer import ScheduleDoesNotFit, schedule
from races.explorer.schedule import ACK, KILL, STEP, WAKE, Choice

CHOICES = some.builds(
    Choice,
    some.sampled_from(["A", "B", "A'", "expiry"]),
    some.sampled_from([STEP, KILL, ACK, WAKE]),
)


@given(some.lists(CHOICES))
def test_reading_back(choices: list[Choice]) -> None:
    assert schedule.parse(schedule.format(choices)) == choices


def test_the_short_form() -> None:
    text = "A*1 B*4 kill:A A'*2 wake:B"
    assert schedule.format(schedule.parse(text)) == text
    assert schedule.parse("A B") == [Choice("A"), Choice("B")]


def test_what_is_no_schedule() -> None:
    with pytest.raises(ScheduleDoesNotFit):
        schedule.parse("A**2")
