"""`manage.py prepare`: what must be in the database before anything else starts."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Safe to call at every start."""

    help = "Migrate, and in the embedded mode make the demo accounts and data."
    requires_system_checks = ()  # migrate does them, those of the database included

    def handle(self, *_: Any, **__: Any) -> None:
        """Migrate, then demo."""
        call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        if settings.EMBEDDED:
            call_command("demo", stdout=self.stdout)
