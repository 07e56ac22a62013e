"""Verdicts as data: what `manage.py races --json` prints and the pages in docs/races/ show."""

from dataclasses import dataclass
from typing import Any

from races.explorer import Explorer, ExplorerError, Verdict, prove, refute, replay
from races.explorer.verdict import Progress, asked, broken, silent
from races.scenario import HOLDS, NAIVE, Form, Scenario


@dataclass
class Entry:
    """One form of one scenario, and what the explorer said about it."""

    scenario: Scenario
    kind: str
    form: Form
    verdict: Verdict
    repeated: int = 0  # times that a failing schedule was run again
    found_again: int = 0
    error: str = ""  # why it could not be explored, or not again

    @property
    def is_right(self) -> bool:
        """A naive form is broken; one that holds was tried in more than one schedule."""
        if self.error:
            return False
        if self.kind == NAIVE:
            return not self.verdict.holds and self.found_again == self.repeated
        question = self.form.question
        bounded = question.bound is not None or question.deaths_within is not None
        wanted = self.verdict.complete or bounded
        return self.verdict.holds and wanted and self.verdict.schedules > 1

    def as_dict(self) -> dict[str, Any]:
        """The fields of the contract, and the form's own name."""
        verdict = self.verdict
        broken = verdict.violations[0] if verdict.violations else None
        again = {"repeated": self.repeated, "found_again": self.found_again}
        return {
            "name": self.scenario.name,
            "form": self.kind,
            "strategy": self.form.name,
            "ours": self.form.ours,
            "workers": verdict.workers,
            "statements": verdict.statements,
            "schedules": verdict.schedules,
            "complete": verdict.complete,
            "bounded": verdict.bound,
            "deaths_within": verdict.deaths_within,
            "crash_points": verdict.crash_points,
            "violations": len(verdict.violations),
            "violation": broken.message if broken else self.error,
            "schedule": broken.schedule if broken else verdict.example,
            "seconds": round(verdict.seconds, 3),
            **(again if self.repeated else {}),
            **({"error": self.error} if self.error else {}),
        }


def run(
    explorer: Explorer, scenario: Scenario, kind: str, form: Form, progress: Progress = silent
) -> Entry:
    """Ask the explorer about one form; what it could not explore is in the entry's ``error``."""
    ask = refute if kind == NAIVE else prove
    try:
        return Entry(scenario, kind, form, ask(explorer, form.question, progress))
    except ExplorerError as error:  # the other forms are worth running all the same
        return Entry(scenario, kind, form, Verdict(), error=f"{type(error).__name__}: {error}")


def run_schedule(
    explorer: Explorer, scenario: Scenario, kind: str, form: Form, schedule: str
) -> Entry:
    """Run one schedule of one form; raises ScheduleDoesNotFit."""
    return Entry(scenario, kind, form, replay(explorer, form.question, schedule))


def repeat(explorer: Explorer, entry: Entry, times: int) -> None:
    """Run the failing schedule again and again; each time it must fail in the same words.

    Where the explorer cannot go on, that is in the entry's ``error``.
    """
    try:
        _repeat(explorer, entry, times)
    except ExplorerError as error:  # what was found of the other forms is worth telling
        entry.error = f"{type(error).__name__}: {error}"


def _repeat(explorer: Explorer, entry: Entry, times: int) -> None:
    found, question = entry.verdict.violations[0], entry.form.question
    with asked(explorer, question) as (_, scenario):
        for _ in range(times):
            again = broken(scenario, scenario.replay(found.schedule), question)
            entry.repeated += 1
            entry.found_again += again == found.message


def figures(entries: list[Entry]) -> str:
    """One line: how much was explored, how fast."""
    schedules = sum(entry.verdict.schedules + entry.verdict.cut for entry in entries)
    seconds = sum(entry.verdict.seconds for entry in entries) or 1.0
    points = sum(entry.verdict.crash_points for entry in entries)
    names = {entry.scenario.name for entry in entries}
    proven = sum(entry.kind == HOLDS and entry.verdict.complete for entry in entries)
    return (
        f"{len(names)} scenarios, {len(entries)} forms ({proven} proven), {schedules} schedules, "
        f"{points} crash points in {seconds:.0f} s ({schedules / seconds:.0f} a second)"
    )
