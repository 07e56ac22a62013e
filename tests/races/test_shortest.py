"""Which of the schedules that fail is shown: fewest preemptions, then fewest steps."""

import pytest

from races.explorer import Explorer, Question, refute, verdict
from races.explorer.faults import Faults
from races.models import Effect
from races.scenario import alone


def does_three_things() -> None:
    for number in range(3):
        Effect.objects.create(operation=str(number))


def all_or_nothing() -> None:
    done = Effect.objects.count()
    assert done in (0, 3), f"{done} of 3 things were done"


QUESTION = Question(
    (does_three_things,), alone(all_or_nothing), kills=1, comes_again=lambda _: False
)


def test_of_those_with_the_fewest_preemptions_the_shortest_is_kept(explorer: Explorer) -> None:
    """The search meets the longest first: it goes down before it goes aside."""
    found = refute(explorer, QUESTION)
    (shortest,) = found.violations
    assert (shortest.message, shortest.steps) == ("1 of 3 things were done", 2)
    assert shortest.schedule == "A*1 kill:A"
    assert (found.complete, found.crash_points) == (False, 4)


def test_the_search_for_a_shorter_one_has_an_end(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "MOST_FURTHER", 0)
    (first,) = refute(explorer, QUESTION).violations
    assert first.schedule == "A*2 kill:A"


def test_to_lose_the_reply_of_another_takes_the_turn_as_well(explorer: Explorer) -> None:
    workers = [does_three_things, lambda: does_three_things()]
    with explorer.scenario(workers, faults=Faults(acks=1)) as scenario:
        found = [explored.schedule for explored in scenario.search(bound=0)]
    assert "A*1 ack:A B*3" in found
    assert not [schedule for schedule in found if schedule.startswith("A*1 ack:B")]
