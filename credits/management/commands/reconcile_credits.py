"""`manage.py reconcile_credits`"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from credits import services
from credits.models import Finding


class Command(BaseCommand):
    """Compares, and says so; with --settle it also looks for open texts at the provider."""

    help = (
        "Compare credits with the ledger and held credits with open texts; list the findings. "
        "Exits with 1 where the numbers do not agree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--settle",
            action="store_true",
            help="have the workers look for every unknown text in the provider's list, now",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, settle: bool, json: bool, **options: Any) -> None:
        """Compare and print."""
        result = {
            "discrepancies": [asdict(one) for one in services.find_discrepancies()],
            "findings": list(Finding.objects.values("text_id", "kind", "sid", "evidence")),
            "settling": services.settle_now() if settle else 0,
        }
        self.stdout.write(_as_json(result) if json else _as_text(result))
        if result["discrepancies"]:
            sys.exit(1)


def _as_json(result: dict[str, Any]) -> str:
    return json.dumps(result)


def _as_text(result: dict[str, Any]) -> str:
    lines = [
        f"{one['slug']}: credits {one['credits']}, ledger {one['ledger_sum']}; "
        f"held {one['held']}, open texts {one['open_segments']}"
        for one in result["discrepancies"]
    ]
    lines += [
        f"text {one['text_id']}: {one['kind']} ({one['evidence']})" for one in result["findings"]
    ]
    lines.append(
        f"{len(result['discrepancies'])} discrepancies, {len(result['findings'])} findings, "
        f"{result['settling']} texts being looked for."
    )
    return "\n".join(lines)
