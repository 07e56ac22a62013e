"""`manage.py chaos`: break everything under load, and see that nothing is lost or doubled."""

import json
import logging
import secrets
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chaos import page, report
from chaos.faults import FAULTS
from chaos.planted import bugs
from chaos.run import Wish, run
from chaos.stack import CannotStart


class Command(BaseCommand):
    """Needs nothing that runs: home, ports and servers are its own, and end with it."""

    help = (
        "Start a stack of its own, put it under load, inject faults, and compare the books. "
        "Exits 1 where anything was lost or doubled."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--messages", type=int, default=5_000, help="messages to be done")
        parser.add_argument("--faults", type=int, default=42)
        parser.add_argument("--seed", type=int, help="which faults, in which order (default: any)")
        parser.add_argument("--minutes", type=float, default=10, help="of load and faults, at most")
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument("--longest-fault", type=float, default=40, metavar="SECONDS")
        parser.add_argument("--kinds", nargs="+", choices=FAULTS, default=list(FAULTS))
        parser.add_argument("--bug", default="", choices=bugs.BUGS, help="plant one first")
        parser.add_argument(
            "--keep", action="store_true", help="keep the home, and say where it is"
        )
        parser.add_argument("--docs", metavar="RESULT.json", help="write docs/chaos.md's table")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run, print, exit."""
        if options["docs"]:
            page.write(json.loads(Path(options["docs"]).read_text()))
            return
        wish = _wish(options)
        signal.signal(signal.SIGTERM, _as_interrupt)
        self._start = time.monotonic()
        self._say(f"seed {wish.seed}")
        logging.disable(logging.CRITICAL)  # libraries complain of what we break
        try:
            found = report.document(run(wish, self._say))
        except CannotStart as reason:
            raise CommandError(str(reason)) from None
        finally:
            logging.disable(logging.NOTSET)
        self._say(report.summary(found))
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        if found["lost"] or found["doubled"]:
            sys.exit(1)

    def _say(self, line: str) -> None:
        self.stderr.write(f"{time.monotonic() - self._start:7.1f} s  {line}")
        self.stderr.flush()


def _wish(options: dict[str, Any]) -> Wish:
    if options["messages"] < 1 or options["faults"] < 0 or options["minutes"] <= 0:
        raise CommandError("--messages and --minutes are above 0, --faults is not below it.")
    seed = options["seed"]
    return Wish(
        messages=options["messages"],
        faults=options["faults"],
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        minutes=options["minutes"],
        longest_fault=options["longest_fault"],
        kinds=tuple(options["kinds"]),
        bug=options["bug"],
        keep=options["keep"],
    )


def _as_interrupt(*_: int | FrameType | None) -> None:
    raise KeyboardInterrupt
