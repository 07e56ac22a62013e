"""`manage.py import_members SLUG FILE.csv`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from io import TextIOWrapper
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import open as open_with_progress

from credits import csv_lines, inputs, services
from credits.csv_lines import RefusedLine
from credits.models import Community

SHOWN = 50
"""Refused lines shown to a person; --json names them all."""


class Command(BaseCommand):
    """Reads the file once, in constant memory; the service does the rest in one transaction."""

    help = (
        "Import a community's members from a CSV file with the columns name,phone. All lines are "
        "imported, or none; importing the same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("slug", metavar="SLUG", help="the community")
        parser.add_argument("file", metavar="FILE.csv", help="CSV file in UTF-8, with a header")
        parser.add_argument(
            "--skip-invalid",
            action="store_true",
            help="import the rest and report each refused line",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, slug: str, file: str, skip_invalid: bool, **options: Any) -> None:
        """Import, and print what was done. Raises CommandError, and then nothing was imported."""
        try:
            result = self._import(slug, file, skip_invalid)
        except OSError as error:
            self._fail(f"{file} cannot be read: {error.strerror}.", options)
        except inputs.InvalidInput as error:
            self._fail(error.errors["file"], options)
        except Community.DoesNotExist:
            self._fail(f'There is no community "{slug}"; look up its slug.', options)
        except services.ImportRefused as error:
            self._fail(f"{error} Mend them, or add --skip-invalid.", options, error.refused)
        else:
            self._report(result, options)

    def _import(self, slug: str, file: str, skip_invalid: bool) -> services.Imported:
        progress = Console(stderr=True)
        with (
            open_with_progress(
                file, "rb", description="Importing", console=progress, transient=True
            ) as raw,
            TextIOWrapper(
                raw, encoding="utf-8-sig", errors=csv_lines.ENCODING_ERRORS, newline=""
            ) as text,
        ):
            lines = csv_lines.read_lines(text)
            return services.import_members(lines, slug=slug, skip_invalid=skip_invalid)

    def _report(self, result: services.Imported, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
            return
        self._list(result.refused)
        self.stdout.write(
            f"{result.created} created, {result.renamed} renamed, {result.unchanged} unchanged, "
            f"{len(result.refused)} refused."
        )

    def _fail(
        self, message: str, options: dict[str, Any], refused: list[RefusedLine] | None = None
    ) -> None:
        if options["json"]:
            lines = [asdict(line) for line in refused or []]
            self.stdout.write(json.dumps({"error": message, "refused": lines}))
        else:
            self._list(refused or [])
        raise CommandError(message)

    def _list(self, refused: list[RefusedLine]) -> None:
        for line in refused[:SHOWN]:
            self.stderr.write(f"line {line.line}: {line.reason}")
        if len(refused) > SHOWN:
            self.stderr.write(f"… and {len(refused) - SHOWN} more; --json names them all.")
