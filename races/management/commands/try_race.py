"""One schedule, or an exploration, on servers to throw away: the lab's own runs."""

import json
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from races import place, scenario
from races.explorer import Explorer, ExplorerError, Question, schedule
from races.explorer.verdict import asked, broken
from races.recording import library, make
from races.recording.watched import WatchedExplorer
from races.scenario import Form


class Command(BaseCommand):
    help = "Run one schedule of a race, or look for one that breaks it, and write what happened."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--strategy", required=True)
        parser.add_argument("--schedule", default="", help="empty: look for one that breaks it")
        parser.add_argument("--seconds", type=float, default=60)
        parser.add_argument("--into", type=Path, required=True, help="the file for the answer")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that its servers are removed
        form = self._form(options["name"], options["strategy"])
        with place.throwaway(WatchedExplorer) as explorer:
            try:
                answer = self._answer(explorer, form, options)
            except ExplorerError as error:
                answer = {"error": str(error)}
        options["into"].write_text(json.dumps(answer))

    def _form(self, name: str, strategy: str) -> Form:
        try:
            race = scenario.get(name)
        except scenario.UnknownScenario as error:
            raise CommandError(str(error)) from None
        for _, form in race.forms():
            if form.name == strategy:
                return form
        raise CommandError(f"No form is called “{strategy}”.")

    def _answer(self, explorer: Explorer, form: Form, options: dict[str, Any]) -> dict[str, Any]:
        wanted = options["schedule"]
        answer: dict[str, Any] = {}
        if not wanted:
            wanted, answer = explore(explorer, form.question, seconds=options["seconds"])
        else:
            demand_fit(explorer, form.question, wanted)
        (run,) = make.record_runs(explorer, form.question, [wanted])
        return {**answer, **library.single_to_json(run)}


def demand_fit(explorer: Explorer, question: Question, wanted: str) -> None:
    """Raises ScheduleDoesNotFit, which says where it leaves the tree."""
    schedule.parse(wanted)
    with asked(explorer, question) as (_, running):
        running.replay(wanted)


def explore(
    explorer: Explorer, question: Question, *, seconds: float
) -> tuple[str, dict[str, Any]]:
    """The first schedule that breaks the form, or the last that was tried."""
    tried, found, complete = 0, "", True
    latest = time.monotonic() + seconds
    with asked(explorer, question) as (_, running):
        for each in running.search(bound=question.bound):
            tried += each.whole
            found = each.schedule if each.whole else found
            if each.whole and broken(running, each, question):
                return found, {"tried": tried, "complete": False}
            if time.monotonic() > latest:
                complete = False
                break
    complete = complete and not running.left_out
    return found, {"tried": tried, "complete": complete}
