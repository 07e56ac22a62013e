"""Record the races for the lab's pages, from the explorer."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from races import place, scenario
from races.explorer import ExplorerError
from races.recording import library, make
from races.recording.watched import WatchedExplorer


class Command(BaseCommand):
    help = "Run and record the races, all or those named, into races/recordings/."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", help="which scenarios (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            wanted = [scenario.get(name) for name in options["name"]]
        except scenario.UnknownScenario as error:
            raise CommandError(str(error)) from None
        failed: list[str] = []
        with place.throwaway(WatchedExplorer) as explorer:
            for race in wanted or scenario.scenarios().values():
                try:
                    library.put(make.record(explorer, race, self.stdout.write))
                except ExplorerError as error:
                    failed.append(f"{race.name}: {error}")
                self.stdout.flush()
        if failed:
            raise CommandError("\n".join(["These were not recorded:", *failed]))
