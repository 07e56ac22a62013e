"""`manage.py reconcile`: every check, now, and what it found."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from outbox.reconciliation import registered, run
from outbox.reconciliation.models import Reconciliation

WAIT = 60.0
"""Seconds to wait, unless told otherwise, for the end of another run."""

POLL = 0.2
"""Seconds between two looks at it."""


class Command(BaseCommand):
    help = (
        "Compare what is with what should be, and mend what differs. "
        "Exit 1: something was not mended, and a person must look."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", metavar="NAME", help="only this check")
        parser.add_argument("--dry-run", action="store_true", help="find, and mend nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument(
            "--wait",
            type=float,
            default=WAIT,
            metavar="SECONDS",
            help="how long to wait while another one runs (default: %(default)g)",
        )

    def handle(self, *_: Any, check: str | None, **options: Any) -> None:
        known = [*registered()]
        if check is not None and check not in known:
            raise CommandError(f"There is no check {check!r}. Choose from: {', '.join(known)}.")
        started = self._begin([check] if check else known, **options)
        turn: int | None = started.turn
        while turn is not None:  # whoever took the run over meanwhile has taken this turn, too
            with transaction.atomic():
                turn = run.step(started, turn).next_turn
        started.refresh_from_db()
        self._tell(started, as_json=options["json"])
        if started.status != "done":
            raise CommandError("Another reconciliation took over before this one was through.")
        if started.findings.filter(repaired=False).exists():
            sys.exit(1)

    def _begin(self, names: list[str], *, dry_run: bool, wait: float, **_: Any) -> Reconciliation:
        latest = time.monotonic() + wait
        while True:
            begun = run.begin(cause="command", names=names, dry_run=dry_run, by_session=True)
            if begun is not None:
                return begun
            if time.monotonic() > latest:
                raise CommandError(f"Another reconciliation is running{_which()}. One is enough.")
            time.sleep(POLL)

    def _tell(self, started: Reconciliation, *, as_json: bool) -> None:
        findings = [
            {
                "check": finding.check_name,
                "type": finding.type,
                "subject": finding.subject,
                "repair": finding.repair,
                "repaired": finding.repaired,
            }
            for finding in started.findings.order_by("id")
        ]
        checked = dict(sorted(started.checked.items()))
        if as_json:
            self.stdout.write(json.dumps({"findings": findings, "checked": checked}))
            return
        for name, rows in checked.items():
            self.stdout.write(f"{name}: {rows:,} rows")
        for finding in findings:
            self.stdout.write("{type} {subject}: {repair}".format(**finding))
        known = f" {started.known} known ones were not told again." if started.known else ""
        self.stdout.write(f"{len(findings)} findings.{known}")


def _which() -> str:
    other = Reconciliation.objects.under_way().first()
    return f" ({other.cause}, since {other.started_at:%H:%M:%S} UTC)" if other else ""
