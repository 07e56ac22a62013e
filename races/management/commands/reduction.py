"""Prove the explorer's reduction by trial, on any number of random transaction programs."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from races import place
from races.explorer.reduction import Comparison, compare


class Command(BaseCommand):
    help = (
        "Compare the reduced with the full search on random programs: same rows, reads, errors. "
        "Exits 0 only when none differs."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programs", type=int, default=200, help="how many sets of programs")
        parser.add_argument("--seed", type=int, default=0, help="the first seed")
        parser.add_argument("--workers", type=int, default=2, choices=(2, 3))
        parser.add_argument("--size", type=int, default=3, help="most statements per worker")
        parser.add_argument("--kills", type=int, default=0, choices=(0, 1), help="deaths per run")
        parser.add_argument("--alike", action="store_true", help="all workers do the same")
        parser.add_argument("--further", action="store_true", help="of more, but rarer forms")
        parser.add_argument("--largest", type=int, default=1_500, help="most schedules per set")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        seeds = range(options["seed"], options["seed"] + options["programs"])
        found: list[Comparison] = []
        with place.throwaway() as explorer:
            for each in compare(
                explorer,
                seeds,
                options["workers"],
                options["size"],
                options["kills"],
                options["largest"],
                alike=options["alike"],
                further=options["further"],
            ):
                found.append(each)
                self._tell(each, len(found), options["programs"])
        self.stdout.write(_figures(found, as_json=options["json"]))
        if any(not each.agrees for each in found):
            sys.exit(1)

    def _tell(self, each: Comparison, number: int, total: int) -> None:
        if not each.agrees:
            self.stderr.write(f"seed {each.seed}: missed {each.missed}, extra {each.extra}")
            self.stderr.write("\n".join(repr(program) for program in each.programs))
        elif number % 25 == 0:
            self.stderr.write(f"{number}/{total}")


def _figures(found: list[Comparison], *, as_json: bool) -> str:
    compared = [each for each in found if not each.too_large]
    figures = {
        "programs": len(compared),
        "too_large": len(found) - len(compared),
        "differ": [each.seed for each in compared if not each.agrees],
        "schedules_in_full": sum(each.full for each in compared),
        "schedules_reduced": sum(each.reduced for each in compared),
        "cut": sum(each.cut for each in compared),
    }
    if as_json:
        return json.dumps(figures, indent=2)
    return (
        f"{figures['programs']} sets of programs compared ({figures['too_large']} were too large), "
        f"{len(compared) - sum(each.agrees for each in compared)} differ; "
        f"{figures['schedules_in_full']} schedules in full, {figures['schedules_reduced']} reduced "
        f"({figures['cut']} more cut short)"
    )
