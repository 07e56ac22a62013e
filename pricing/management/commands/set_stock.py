"""`manage.py set_stock SKU N`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pricing import inputs, services


class Command(BaseCommand):
    """A doorway to `services.set_stock`."""

    help = "Say how many of a product are on hand. Repeating the command changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the product and the number."""
        parser.add_argument("sku", metavar="SKU")
        parser.add_argument("on_hand", metavar="N", type=int, help="the reserved ones included")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, sku: str, on_hand: int, **options: Any) -> None:
        """Set it, and print what holds now. Raises CommandError, and then nothing was changed."""
        try:
            stock = services.set_stock(sku=sku, on_hand=on_hand)
        except inputs.InvalidInput as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": str(error), "fields": error.errors}))
            raise CommandError(str(error)) from None
        told = {"sku": sku, "stock": stock.on_hand, "reserved": stock.reserved}
        said = f"{sku}: {stock.on_hand} on hand, {stock.reserved} of them reserved"
        self.stdout.write(json.dumps(told) if options["json"] else said)
