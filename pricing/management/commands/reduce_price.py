"""`manage.py reduce_price SKU --percent 10`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pricing import inputs, selectors, services
from pricing.models import PriceReduction

OPTIONS = {
    "sku": "SKU",
    "starts_at": "--at",
    "expires_at": "--expires",
    "if_price_changed": "--if-price-changed",
}
"""What the command line calls those fields that it calls otherwise."""


class Command(BaseCommand):
    """A doorway to `services.schedule_reduction`."""

    help = (
        "Schedule a price reduction of one product. It is based on the price of this moment; with "
        "--key, repeating the command schedules nothing more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options. Their values are read in `inputs`, as everywhere."""
        parser.add_argument("sku", metavar="SKU")
        parser.add_argument("--percent", help="percent to take off, above 0 and up to 100")
        parser.add_argument("--amount", help="amount to take off, such as 1.00")
        parser.add_argument("--at", metavar="ISO", help="when, with zone; without it: now")
        parser.add_argument("--expires", metavar="ISO", help="the last moment to apply it")
        parser.add_argument(
            "--if-price-changed",
            metavar="skip|apply",
            default="skip",
            help="what to do if the price is another one by then (default: skip)",
        )
        parser.add_argument("--key", help="names this operation: repeated, it is still one")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, sku: str, **options: Any) -> None:
        """Schedule, and print the reduction. Raises CommandError, and then nothing was changed."""
        try:
            reduction = services.schedule_reduction(
                sku=sku,
                percent=options["percent"],
                amount=options["amount"],
                starts_at=options["at"],
                expires_at=options["expires"],
                if_price_changed=options["if_price_changed"],
                key=options["key"],
                actor="reduce_price",
            )
        except inputs.InvalidInput as error:
            self._fail(error.errors, options)
        except services.KeyReused as error:
            self._fail({"key": str(error)}, options)
        else:
            self._report(reduction, options)

    def _report(self, reduction: PriceReduction, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(selectors.describe_reduction(reduction)))
        else:
            due = reduction.starts_at.isoformat() if reduction.starts_at else "now"
            self.stdout.write(f"{reduction.pk}: {reduction}, due {due}")

    def _fail(self, errors: dict[str, str], options: dict[str, Any]) -> None:
        named = {OPTIONS.get(field, f"--{field}"): advice for field, advice in errors.items()}
        message = " ".join(f"{option}: {advice}" for option, advice in named.items())
        if options["json"]:
            self.stdout.write(json.dumps({"error": message, "fields": errors}))
        raise CommandError(message)
