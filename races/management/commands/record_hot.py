"""Keep a finished hot run as the one that pages show where none was run yet."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from races.models import LabRun
from races.recording import library


class Command(BaseCommand):
    help = "Write the figures of a finished hot run into races/recordings/hot.json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        done = LabRun.objects.filter(kind=LabRun.Kind.HOT, state=LabRun.State.DONE)
        run = done.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no finished hot run {options['run']}.")
        (library.FOLDER / "hot.json").write_text(json.dumps(run.result) + "\n")
