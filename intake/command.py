"""What every import command has in common: the file, the options, and how refusals are told."""

import json
from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import TextIOWrapper
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import open as open_with_progress

from intake.csv_lines import ENCODING_ERRORS, ImportRefused, RefusedLine, WrongHeader

SHOWN = 50
"""Refused lines shown to a person; --json names them all."""


class ImportCommand(BaseCommand):
    """Reads the file once, in constant memory; a service does the rest in one transaction."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file and the options."""
        parser.add_argument("file", metavar="FILE.csv", help="CSV file in UTF-8, with a header")
        parser.add_argument(
            "--skip-invalid",
            action="store_true",
            help="import the rest and report each refused line",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, file: str, **options: Any) -> None:
        """Import, and print what was done. Raises CommandError, and then nothing was imported."""
        try:
            with self._opened(file) as text:
                result = self.bring_in(text, **options)
        except OSError as error:
            self._fail(f"{file} cannot be read: {error.strerror}.", options)
        except ImportRefused as error:
            self._fail(f"{error} Mend them, or add --skip-invalid.", options, error.refused)
        except (WrongHeader, CommandError) as error:
            self._fail(str(error), options)
        else:
            self._report(result, options)

    @abstractmethod
    def bring_in(self, text: TextIOWrapper, *, skip_invalid: bool, **options: Any) -> Any:
        """Import the text and return what was done: a dataclass with its `refused` lines."""

    @abstractmethod
    def tell(self, result: Any) -> str:
        """What was done, in a sentence."""

    @contextmanager
    def _opened(self, file: str) -> Iterator[TextIOWrapper]:
        progress = Console(stderr=True)
        with (
            open_with_progress(
                file, "rb", description="Importing", console=progress, transient=True
            ) as raw,
            TextIOWrapper(raw, encoding="utf-8-sig", errors=ENCODING_ERRORS, newline="") as text,
        ):
            yield text

    def _report(self, result: Any, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
            return
        self._list(result.refused)
        self.stdout.write(self.tell(result))

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
