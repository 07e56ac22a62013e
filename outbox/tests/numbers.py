"""A check with a finding on each of three pages, and one that finds nothing."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db.models.functions import Now

from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.models import Reconciliation


class Numbers(Check):
    """Three pages with a finding on each; `mend` is asked for the repair."""

    name = "tests.numbers"

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.mend: Callable[[str], str] = lambda number: "mended"

    def page(self, after: str) -> Page:
        number = int(after or 0)
        return Page(1, [str(number)], str(number + 1) if number < 2 else None)

    def confirm(self, subject: str) -> Suspect | None:
        self.seen.append(subject)
        return Suspect("odd", subject, {"number": subject})

    def repair(self, suspect: Suspect) -> str:
        return self.mend(suspect.subject)


class Nothing(Check):
    """It sees one row, and all is well."""

    name = "tests.nothing"

    def page(self, after: str) -> Page:
        return Page(1, [], None)

    def confirm(self, subject: str) -> Suspect | None:
        raise AssertionError("nothing was suspected")


def reconciled(*options: str) -> dict[str, Any]:
    out = StringIO()
    with suppress(SystemExit):  # a finding that was not mended is told by the exit status, too
        call_command("reconcile", "--json", *options, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def went_through(*names: str, days_ago: int, **more: Any) -> Reconciliation:
    """A run that came to its end so long ago."""
    at = Now() - timedelta(days=days_ago)
    return Reconciliation.objects.create(
        cause="nightly", names=names, running=None, started_at=at, finished_at=at, **more
    )
