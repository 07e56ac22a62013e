"""`manage.py import_products FILE.csv`"""

from io import TextIOWrapper
from typing import Any

from intake.command import ImportCommand
from pricing import csv_lines, services


class Command(ImportCommand):
    """Products, by their SKUs."""

    help = (
        "Import products from a CSV file with the columns sku,name,category,price. All lines are "
        "imported, or none; importing the same file again changes nothing."
    )

    def bring_in(
        self, text: TextIOWrapper, *, skip_invalid: bool, **options: Any
    ) -> services.Imported:
        """Import products."""
        lines = csv_lines.read_lines(text)
        return services.import_products(lines, actor="import_products", skip_invalid=skip_invalid)

    def tell(self, result: services.Imported) -> str:
        """What was done with them."""
        return (
            f"{result.created} created, {result.repriced} with a new price, {result.updated} "
            f"otherwise updated, {result.unchanged} unchanged, {len(result.refused)} refused."
        )
