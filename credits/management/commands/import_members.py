"""`manage.py import_members SLUG FILE.csv`"""

from argparse import ArgumentParser
from io import TextIOWrapper
from typing import Any

from django.core.management.base import CommandError

from credits import csv_lines, services
from credits.models import Community
from intake.command import ImportCommand


class Command(ImportCommand):
    """Members of one community, by their numbers."""

    help = (
        "Import a community's members from a CSV file with the columns name,phone. All lines are "
        "imported, or none; importing the same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the community, and what every import has."""
        parser.add_argument("slug", metavar="SLUG", help="the community")
        super().add_arguments(parser)

    def bring_in(
        self, text: TextIOWrapper, *, skip_invalid: bool, slug: str = "", **options: Any
    ) -> services.Imported:
        """Import members. Raises CommandError where there is no such community."""
        lines = csv_lines.read_lines(text)
        try:
            return services.import_members(lines, slug=slug, skip_invalid=skip_invalid)
        except Community.DoesNotExist:
            raise CommandError(f'There is no community "{slug}"; look up its slug.') from None

    def tell(self, result: services.Imported) -> str:
        """What was done with them."""
        return (
            f"{result.created} created, {result.renamed} renamed, {result.unchanged} unchanged, "
            f"{len(result.refused)} refused."
        )
