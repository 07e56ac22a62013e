"""What tests call: ``race.proves(a, b, setup=…, check=…)``, ``race.refutes(naive, naive, …)``."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from . import verdict
from .explorer import Explorer
from .question import Check, Job, Question
from .step import Outcome
from .verdict import Verdict


class NotProven(AssertionError):
    """A schedule broke the invariant, or the search could not show that none does."""


class NotRefuted(AssertionError):
    """No schedule breaks the naive form: either it is not naive, or the check cannot see it."""


class Race:
    """The explorer as tests use it. ``verdicts`` keeps every answer, for the figures at the end."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.verdicts: list[Verdict] = []

    def proves(self, *workers: Job, check: Callable[..., Any], **details: Any) -> Verdict:
        """Demand that every schedule holds, that all were run, and that there was more than one.

        ``details`` are the fields of Question (setup, begin, kills, acks, environment, …). With a
        ``bound`` the verdict is "bounded", and this raises NotProven unless all fitted within it.
        """
        found = self.ask(*workers, check=check, **details)
        if not found.complete:
            raise NotProven(found.in_words)
        return found

    def holds_within(
        self, bound: int, *workers: Job, check: Callable[..., Any], **details: Any
    ) -> Verdict:
        """Demand that every schedule with so few preemptions holds: less than a proof."""
        return self.ask(*workers, check=check, bound=bound, **details)

    def refutes(self, *workers: Job, check: Callable[..., Any], **details: Any) -> Verdict:
        """Demand a schedule that fails; its drawn timeline is in ``violations[0]``."""
        found = verdict.refute(self.explorer, self._question(workers, check, details))
        self.verdicts.append(found)
        if found.holds:
            raise NotRefuted(found.in_words)
        return found

    def replays(
        self, schedule: str, *workers: Job, check: Callable[..., Any], **details: Any
    ) -> Verdict:
        """Run one schedule by its text and return what it did; demands nothing."""
        return verdict.replay(self.explorer, self._question(workers, check, details), schedule)

    def ask(self, *workers: Job, check: Callable[..., Any], **details: Any) -> Verdict:
        """Demand that what is run holds and that there was more than one schedule."""
        found = verdict.prove(self.explorer, self._question(workers, check, details))
        self.verdicts.append(found)
        if found.violations:
            raise NotProven(str(found.violations[0]))
        if found.schedules < 2:
            raise NotProven("There was one schedule only: these workers never meet.")
        return found

    def figures(self) -> dict[str, float]:
        """What was explored so far."""
        return {
            "scenarios": len(self.verdicts),
            "schedules": sum(each.schedules + each.cut for each in self.verdicts),
            "crash_points": sum(each.crash_points for each in self.verdicts),
            "seconds": sum(each.seconds for each in self.verdicts),
        }

    def _question(
        self, workers: Sequence[Job], check: Callable[..., Any], details: dict[str, Any]
    ) -> Question:
        return Question(workers=workers, check=_taking_outcomes(check), **details)


def _taking_outcomes(check: Callable[..., Any]) -> Check:
    """A check may look at the workers' outcomes, or at the database alone."""
    if inspect.signature(check).parameters:
        return check

    def alone(outcomes: Sequence[Outcome]) -> None:
        check()

    return alone
