"""`manage.py reconcile`: every check, now, and what it found."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from outbox.reconciliation import registered, run
from outbox.reconciliation.models import Reconciliation


class Command(BaseCommand):
    help = "Compare what is with what should be, and mend what differs. Exit 1: a person must look."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", metavar="NAME", help="only this check")
        parser.add_argument("--dry-run", action="store_true", help="find, and mend nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *_: Any, check: str | None, dry_run: bool, json: bool, **__: Any) -> None:
        names = [*registered()]
        if check is not None and check not in names:
            raise CommandError(f"There is no check {check!r}. Choose from: {', '.join(names)}.")
        started = run.begin(cause="command", dry_run=dry_run)
        if started is None:
            raise CommandError("Another reconciliation is running; it does the same. Look later.")
        for name in [check] if check else names:
            self._run(started, name)
        run.finish(started)
        started.refresh_from_db()
        self._tell(started, as_json=json)
        if started.findings.filter(repaired=False).exists():
            sys.exit(1)

    def _run(self, started: Reconciliation, name: str) -> None:
        after: str | None = ""
        while after is not None:
            with transaction.atomic():
                after = run.step(started, name, after)

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
        if as_json:
            self.stdout.write(json.dumps({"findings": findings, "checked": started.checked}))
            return
        for name, rows in sorted(started.checked.items()):
            self.stdout.write(f"{name}: {rows:,} rows")
        for finding in findings:
            self.stdout.write("{type} {subject}: {repair}".format(**finding))
        self.stdout.write(f"{len(findings)} findings.")
