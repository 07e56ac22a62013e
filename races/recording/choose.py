"""Which schedules of a form are worth showing: few, different, and those that break it first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from races.explorer import Question, schedule
from races.explorer.explorer import Scenario
from races.explorer.schedule import STEP
from races.explorer.verdict import broken

MOST_TRIED = 130
"""A form with more schedules than this is shown by some of them, without the point of no return."""
_MOST_BOUNDED = 60
_BREAKING, _HOLDING, _SHARED = 8, 6, 2


@dataclass(frozen=True)
class Tried:
    """One schedule that was run, and what it broke (empty: nothing)."""

    schedule: str
    message: str

    @property
    def steps(self) -> tuple[str, ...]:
        """Its choices, one by one."""
        return tuple(str(choice) for choice in schedule.parse(self.schedule))

    @property
    def switches(self) -> int:
        """How often the turn goes from one to another."""
        steps = schedule.parse(self.schedule)
        workers = [choice.worker for choice in steps]
        faults = sum(choice.act != STEP for choice in steps)
        pairs = pairwise(workers)
        return faults + sum(one != other for one, other in pairs)


@dataclass(frozen=True)
class Trials:
    """What was tried of one form. ``complete``: every schedule there is."""

    tried: Sequence[Tried]
    complete: bool

    @property
    def breaking(self) -> list[Tried]:
        """Those that break the claim, the simplest first."""
        return sorted((each for each in self.tried if each.message), key=lambda each: each.switches)

    def shown(self) -> list[str]:
        """Those to record, the simplest first."""
        holding = [each for each in self.tried if not each.message]
        chosen = self.breaking[:_BREAKING] + _spread(holding, _HOLDING)
        ordered = sorted(chosen, key=lambda each: each.switches)
        return [each.schedule for each in ordered]

    def shared(self) -> list[str]:
        """Those that every other form is shown under, too."""
        return [each.schedule for each in self.breaking[:_SHARED]]

    def lost_at(self, wanted: str) -> int:
        """The turn after which every way to go on fails; 0 where that is not known."""
        steps = Tried(wanted, "").steps
        if not self.complete:
            return 0
        for turn in range(1, len(steps) + 1):
            same = [each for each in self.tried if each.steps[:turn] == steps[:turn]]
            if all(each.message for each in same):
                return turn
        return 0


def try_all(scenario: Scenario, question: Question) -> Trials:
    """Run every schedule, or, where there are too many, those with few preemptions."""
    search = scenario.search(reduce=False)
    tried = [
        Tried(each.schedule, broken(scenario, each, question))
        for each in islice(search, MOST_TRIED + 1)
    ]
    search.close()  # type: ignore[attr-defined]
    if len(tried) <= MOST_TRIED:
        return Trials(tried, complete=True)
    return try_some(scenario, question, _MOST_BOUNDED)


def try_some(scenario: Scenario, question: Question, most: int) -> Trials:
    """Run schedules with few preemptions, until ``most`` were run."""
    found: dict[str, Tried] = {}
    for bound in range(3):
        wanted = most * (bound + 1) // 3
        for each in scenario.search(bound=bound):
            found.setdefault(each.schedule, Tried(each.schedule, broken(scenario, each, question)))
            if len(found) >= wanted:
                break
    return Trials(list(found.values()), complete=False)


def _spread(tried: Sequence[Tried], most: int) -> list[Tried]:
    """So many of them, evenly from first to last."""
    if len(tried) <= most:
        return list(tried)
    return [tried[number * (len(tried) - 1) // (most - 1)] for number in range(most)]
