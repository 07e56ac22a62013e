"""Answers: every schedule held, or one that did not: of the fewest preemptions, the shortest."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from . import answers, timeline
from .errors import ExplorerError, Killed
from .explorer import Explored, Explorer, Scenario
from .mutation import unchanged
from .question import Question, nothing
from .step import Moment, Outcome

MOST_PREEMPTIONS = 3  # tried, one more at a time, before a refutation asks for all schedules
MOST_FURTHER = 500  # schedules that a refutation runs after its first hit, for a shorter one
Progress = Callable[["Verdict"], None]


def silent(verdict: "Verdict") -> None:
    """Tell nobody how far it is."""


def steps(moments: Sequence[Moment]) -> int:
    """How many steps these are: what goes on after a wait has begun before."""
    return sum(moment.text != "…" for moment in moments)


@dataclass
class Violation:
    """A schedule that broke the invariant."""

    message: str
    schedule: str
    workers: list[str]
    moments: list[Moment]
    number: int  # it was the nth schedule that was tried

    @property
    def steps(self) -> int:
        """How long it is."""
        return steps(self.moments)

    def __str__(self) -> str:
        drawn = timeline.draw(self.workers, self.moments)
        return (
            f"INVARIANT BROKEN: {self.message}\n  schedule #{self.number}: {self.schedule}\n{drawn}"
        )


@dataclass
class Verdict:
    """What an exploration found. ``complete``: every schedule was run, up to equivalence."""

    workers: int = 0
    statements: int = 0  # steps of the longest schedule
    schedules: int = 0
    cut: int = 0  # runs given up since their rest was known
    complete: bool = False
    bound: int | None = None
    deaths_within: int | None = None  # every death was met, beside so few preemptions only
    crash_points: int = 0
    violations: list[Violation] = field(default_factory=list)
    seconds: float = 0.0
    example: str = ""  # a schedule that held
    example_moments: list[Moment] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """No schedule of those that were run broke anything."""
        return not self.violations

    @property
    def in_words(self) -> str:
        """One line, with its figures."""
        if self.violations:
            return f"broken at schedule #{self.violations[0].number}: {self.violations[0].message}"
        return f"holds in {self.schedules} schedules, {self.crash_points} crash points: {self._how}"

    @property
    def _how(self) -> str:
        if self.complete:
            return "complete"
        if self.bound is not None:
            beside = (
                f", {self.deaths_within} beside a death" if self.deaths_within is not None else ""
            )
            return f"bounded ({self.bound} preemptions{beside}), not proven"
        return f"complete for the living, deaths bounded ({self.deaths_within} preemptions)"


def prove(explorer: Explorer, question: Question, progress: Progress = silent) -> Verdict:
    """Run every schedule (within the question's bound); stop at the first violation.

    Where deaths have a bound of their own, every schedule of the living is run first, then each
    death at each of its points within that bound.
    """
    if question.deaths_within is None or not question.kills:
        return _prove(explorer, question, progress)
    living = _prove(explorer, question.but(kills=0), progress)
    if living.violations:
        return living
    dying = _prove(explorer, question.but(bound=question.deaths_within), progress)
    return _both(living, dying)


def _prove(explorer: Explorer, question: Question, progress: Progress) -> Verdict:
    with asked(explorer, question) as (verdict, scenario):
        left_out = _run(scenario, question, verdict, question.bound, progress)
        verdict.complete = verdict.holds and not left_out
        verdict.bound = question.bound if left_out else None
    return verdict


def _both(living: Verdict, dying: Verdict) -> Verdict:
    return replace(
        living,
        statements=max(living.statements, dying.statements),
        schedules=living.schedules + dying.schedules,
        cut=living.cut + dying.cut,
        complete=living.complete and dying.complete,
        deaths_within=dying.bound,
        crash_points=dying.crash_points,
        violations=dying.violations,
        seconds=living.seconds + dying.seconds,
    )


def refute(explorer: Explorer, question: Question, progress: Progress = silent) -> Verdict:
    """Look for a schedule that fails: first without preemption, then with ever more.

    Of those with the fewest preemptions the one with the fewest steps is kept.
    """
    with asked(explorer, question) as (verdict, scenario):
        for bound in [*range(MOST_PREEMPTIONS + 1), None]:
            left_out = _run(scenario, question, verdict, bound, progress, MOST_FURTHER)
            if verdict.violations or not left_out:
                verdict.complete = verdict.holds
                break
    return verdict


def replay(explorer: Explorer, question: Question, schedule: str) -> Verdict:
    """Run one schedule by its text; raises ScheduleDoesNotFit."""
    with asked(explorer, question) as (verdict, scenario):
        _judge(scenario, scenario.replay(schedule), question, verdict, set())
    return verdict


def _run(
    scenario: Scenario,
    question: Question,
    verdict: Verdict,
    bound: int | None,
    progress: Progress,
    further: int = 0,
) -> bool:
    """Run schedules until one fails, and so many further ones. True where the bound left some out.

    The verdict keeps the shortest of those that fail.
    """
    points: set[tuple[str, int]] = set()
    for explored in scenario.search(bound=bound):
        _judge(scenario, explored, question, verdict, points)
        progress(verdict)
        if verdict.violations:
            further -= 1
            if further < 0:
                break
    verdict.crash_points = max(verdict.crash_points, len(points))
    return scenario.left_out


def _judge(
    scenario: Scenario,
    explored: Explored,
    question: Question,
    verdict: Verdict,
    points: set[tuple[str, int]],
) -> None:
    if not explored.whole:
        verdict.cut += 1
        return
    verdict.schedules += 1
    points |= explored.run.budget.struck
    moments = explored.run.moments
    verdict.statements = max(verdict.statements, steps(moments))
    message = broken(scenario, explored, question)
    if message:
        columns = timeline.workers(moments, list(question.jobs))
        found = Violation(message, explored.schedule, columns, moments, verdict.schedules)
        verdict.violations = [min([*verdict.violations, found], key=lambda each: each.steps)]
    else:
        verdict.example, verdict.example_moments = explored.schedule, moments


def broken(scenario: Scenario, explored: Explored, question: Question) -> str:
    """What the schedule broke, in a sentence; empty where it broke nothing."""
    if explored.stuck:
        return (
            f"{' and '.join(explored.stuck)} waits for ever: the holder has ended without release"
        )
    outcomes = explored.run.outcomes()
    for outcome in outcomes:
        if _unexpected(outcome, explored, question):
            return f"{outcome.worker} failed: {_first_line(outcome.error)}"
    if question.aftermath is not nothing:
        scenario.afterwards(question.aftermath)
    return _checked(question, outcomes)


def _unexpected(outcome: Outcome, explored: Explored, question: Question) -> bool:
    error = outcome.error
    if isinstance(error, ExplorerError):
        raise error  # it says nothing about the code
    if error is None or isinstance(error, (Killed, *question.expects)):
        return False
    lost_reply = explored.run.sessions[outcome.worker].lost_reply
    return lost_reply is None or not _comes_of(error, lost_reply)


def _comes_of(error: BaseException | None, origin: BaseException) -> bool:
    """True where the one is the other, or was raised because of it or while it was handled."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        each = todo.pop()
        if each is origin:
            return True
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            todo += [each.__cause__, each.__context__]
    return False


def _checked(question: Question, outcomes: Sequence[Outcome]) -> str:
    try:
        question.check(outcomes)
    except AssertionError as broken:
        return _first_line(broken) or "the check failed"
    return ""


def _first_line(error: BaseException | None) -> str:
    text = str(error).strip().splitlines()
    words = answers.steady(text[0]) if text else ""
    if isinstance(error, AssertionError):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


@contextmanager
def asked(explorer: Explorer, question: Question) -> Iterator[tuple[Verdict, Scenario]]:
    """The question's workers on the question's start, and a verdict to fill in."""
    verdict = Verdict(workers=len(question.workers))
    began = time.monotonic()
    scenario = explorer.scenario(
        question.jobs,
        setup=question.setup,
        begin=question.begin,
        faults=question.faults,
        rewrite=question.mutate or unchanged,
    )
    with question.around(), scenario:
        yield verdict, scenario
    verdict.seconds = time.monotonic() - began
