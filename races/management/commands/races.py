"""Explore the races: every interleaving of the critical sections, every crash point."""

import json
import sys
from argparse import ArgumentParser
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from races import mutants, pages, place, report, scenario
from races.explorer import Explorer, ExplorerError, Verdict, timeline
from races.report import Entry
from races.scenario import NAIVE, Form, Scenario


class Command(BaseCommand):
    help = (
        "Run the races on a throwaway server: all of them, or those named. "
        "Exits 0 only when every verdict is right."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", help="which scenarios (default: all)")
        parser.add_argument("--list", action="store_true", help="list them and end")
        parser.add_argument("--naive", action="store_true", help="the naive forms only")
        parser.add_argument("--strategy", help="the form of this name only")
        parser.add_argument("--schedule", help='replay one schedule, such as "A*1 B*4 A*3"')
        parser.add_argument(
            "--repeat", type=int, default=0, help="run each failing schedule so often again"
        )
        parser.add_argument(
            "--whole", action="store_true", help="lift the forms' bounds, however long it takes"
        )
        parser.add_argument("--mutants", action="store_true", help="is every lock needed?")
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument("--pages", action="store_true", help="write docs/races/ anew")
        parser.add_argument("--draw", action="store_true", help="draw a schedule of each form")

    def handle(self, *args: Any, **options: Any) -> None:
        _demand_whole_races(options)
        chosen = self._chosen(options)
        if options["list"]:
            return self._list(chosen, as_json=options["json"])
        replayed = options["schedule"] is not None  # "" is one, too: it has no preemption
        if replayed:
            _demand_one_form(chosen)
        with place.throwaway() as explorer:
            if replayed:
                entries = [self._replay(explorer, chosen, options["schedule"])]
            else:
                entries = self._explore(explorer, chosen, options)
            tried = self._mutate(explorer, chosen, options) if options["mutants"] else []
        if options["pages"]:
            pages.write(entries, tried if options["mutants"] else None)
        if options["json"]:
            self._print_json(entries, tried, with_mutants=options["mutants"])
        else:
            self._print_end(entries, tried)
        right = self._none_is_broken(entries) if replayed else self._all_right(entries, tried)
        if not right:
            sys.exit(1)
        return None

    # -- which

    def _chosen(self, options: dict[str, Any]) -> list[tuple[Scenario, str, Form]]:
        try:
            wanted = [scenario.get(name) for name in options["name"]]
        except scenario.UnknownScenario as error:
            raise CommandError(str(error)) from None
        there = [
            (each, kind, form.whole() if options["whole"] else form)
            for each in wanted or scenario.scenarios().values()
            for kind, form in each.forms()
        ]
        named = [entry for entry in there if options["strategy"] in (None, entry[2].name)]
        if not named:
            raise CommandError(
                f"No form is called “{options['strategy']}”. There are: {_names(there)}."
            )
        found = [entry for entry in named if not options["naive"] or entry[1] == NAIVE]
        if not found:
            raise CommandError(f"No naive form, but one that holds: {_names(named)}.")
        return found

    def _list(self, chosen: list[tuple[Scenario, str, Form]], *, as_json: bool) -> None:
        if as_json:
            document = {"scenarios": [_as_dict(*entry) for entry in chosen]}
            self.stdout.write(json.dumps(document, indent=2))
            return
        for name, group in groupby(chosen, key=lambda entry: entry[0].name):
            self.stdout.write(f"{name}: {scenario.get(name).claim}")
            for _, kind, form in group:
                ours = " (ours)" if form.ours else ""
                self.stdout.write(f"    {kind:5}  {form.name}{ours}: {form.what}")

    # -- doing it

    def _explore(
        self,
        explorer: Explorer,
        chosen: list[tuple[Scenario, str, Form]],
        options: dict[str, Any],
    ) -> list[Entry]:
        entries = []
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("")
            for number, (each, kind, form) in enumerate(chosen, start=1):
                label = f"{number}/{len(chosen)} {each.name}: {form.name}"

                def tell(verdict: Verdict, label: str = label) -> None:
                    done = verdict.schedules + verdict.cut
                    bar.update(task, description=f"{label}, {done} schedules")

                entry = report.run(explorer, each, kind, form, tell)
                if entry.verdict.violations and kind == NAIVE:
                    report.repeat(explorer, entry, options["repeat"])
                entries.append(entry)
                if not options["json"]:
                    self._print_entry(entry, draw=options["draw"])
                if options["pages"] and (number == len(chosen) or chosen[number][0] is not each):
                    pages.write([one for one in entries if one.scenario is each], None)
        return entries

    def _mutate(
        self,
        explorer: Explorer,
        chosen: list[tuple[Scenario, str, Form]],
        options: dict[str, Any],
    ) -> list[mutants.Mutant]:
        tried: list[mutants.Mutant] = []
        found = mutants.run_all(explorer, chosen)
        for _, group in groupby(found, key=lambda mutant: mutant.scenario):
            of_one: list[mutants.Mutant] = []
            for mutant in group:
                of_one.append(mutant)
                if not options["json"]:
                    self.stdout.write(mutant.in_words)
                    self.stdout.flush()
            tried += of_one
            if options["pages"]:
                pages.write([], of_one)
        return tried

    def _replay(
        self, explorer: Explorer, chosen: list[tuple[Scenario, str, Form]], schedule: str
    ) -> Entry:
        try:
            entry = report.run_schedule(explorer, *chosen[0], schedule)
        except ExplorerError as error:
            raise CommandError(str(error)) from None
        self.stderr.write(f"{entry.scenario.name} | {entry.kind} | {entry.form.name}")
        self._draw(entry)
        return entry

    # -- printing

    def _print_entry(self, entry: Entry, *, draw: bool) -> None:
        mark = "ok   " if entry.is_right else "WRONG"
        verdict = entry.verdict
        again = f", found again {entry.found_again} of {entry.repeated}" if entry.repeated else ""
        self.stdout.write(
            f"{mark} {entry.scenario.name} | {entry.kind} | {entry.form.name}: "
            f"{entry.error or verdict.in_words}{again} ({verdict.seconds:.1f} s)"
        )
        self.stdout.flush()
        if draw or not (entry.is_right or entry.error):
            self._draw(entry)

    def _draw(self, entry: Entry) -> None:
        verdict = entry.verdict
        if verdict.violations:
            self.stderr.write(str(verdict.violations[0]))
            return
        columns = timeline.workers(verdict.example_moments, list(entry.form.question.jobs))
        self.stderr.write(f"HOLDS\n  schedule: {verdict.example}")
        self.stderr.write(timeline.draw(columns, verdict.example_moments))

    def _print_json(
        self, entries: list[Entry], tried: list[mutants.Mutant], *, with_mutants: bool
    ) -> None:
        document: dict[str, Any] = {"scenarios": [entry.as_dict() for entry in entries]}
        if with_mutants:
            document["mutants"] = [mutant.as_dict() for mutant in tried]
        self.stdout.write(json.dumps(document, indent=2))

    def _print_end(self, entries: list[Entry], tried: list[mutants.Mutant]) -> None:
        self.stdout.write(report.figures(entries))
        if tried:
            broken = sum(mutant.broken for mutant in tried)
            failed = sum(mutant.broken and pages.fails(mutant.message) for mutant in tried)
            unexplored = sum(bool(mutant.unexplored or mutant.error) for mutant in tried)
            self.stdout.write(
                f"{len(tried)} removals: {broken - failed} break their claim, with {failed} a "
                f"worker fails, from {unexplored} nothing was learnt"
            )

    def _none_is_broken(self, entries: list[Entry]) -> bool:
        """A schedule may leave a naive form whole; what holds, it must not break."""
        return all(entry.kind == NAIVE or entry.verdict.holds for entry in entries)

    def _all_right(self, entries: list[Entry], tried: list[mutants.Mutant]) -> bool:
        return all(entry.is_right for entry in entries) and all(each.is_right for each in tried)


def _demand_whole_races(options: dict[str, Any]) -> None:
    """A page shows all forms of its race, as every test run explores them again."""
    for part in ("strategy", "naive", "schedule", "whole"):
        if options["pages"] and options[part] not in (None, False):
            raise CommandError(
                f"--pages needs every form of a race, within its bounds: leave --{part} out."
            )


def _demand_one_form(chosen: list[tuple[Scenario, str, Form]]) -> None:
    """A schedule of one form says nothing about another."""
    if len({each.name for each, _, _ in chosen}) > 1:
        raise CommandError("--schedule belongs to one scenario: name it.")
    if len(chosen) > 1:
        raise CommandError(
            f"--schedule belongs to one form: add --strategy. There are: {_names(chosen)}."
        )


def _names(chosen: list[tuple[Scenario, str, Form]]) -> str:
    return "; ".join(f"{each.name}: {form.name}" for each, _, form in chosen)


def _as_dict(each: Scenario, kind: str, form: Form) -> dict[str, Any]:
    return {
        "name": each.name,
        "claim": each.claim,
        "form": kind,
        "strategy": form.name,
        "ours": form.ours,
        "what": form.what,
    }
