"""``manage.py demo``: the demo accounts and the demo data of the embedded mode."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import home
from config.accounts import demo

#: Each fills its own app and may be called any number of times.
LOADERS = (
    "pricing.demo.load_demo_products",
    "credits.demo.load_demo_community",
    "orders.demo.load_demo_stock",
)


class Command(BaseCommand):
    """Safe to call at every start: what is there stays."""

    help = "Make demo accounts and demo data (embedded mode only; again changes nothing)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make accounts, then data."""
        try:
            demo.ensure_accounts(embedded=settings.EMBEDDED, home=home.current().folder)
        except demo.DemoNotAllowed as refusal:
            raise CommandError(str(refusal)) from refusal
        for loader in LOADERS:
            _call(loader)
        self.stdout.write("Demo accounts (viewer, operator, admin) and demo data are there.")


def _call(dotted: str) -> None:
    module, name = dotted.rsplit(".", 1)
    getattr(import_module(module), name)()
