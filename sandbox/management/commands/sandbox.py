"""The sandbox's command among Django's: `manage.py sandbox log sms --json`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandbox import command_line


class Command(BaseCommand):
    """Logs, misbehaviour and the server of the stand-ins for Twilio, Stripe and the carrier."""

    help = "The stand-ins for Twilio, Stripe and the carrier: serve, log, misbehave, reset, …"
    requires_system_checks = ()  # it touches neither the database nor the urls

    def add_arguments(self, parser: CommandParser) -> None:
        """The words are declared once, for `python -m sandbox` too."""
        command_line.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out the command; wrong words become a CommandError."""
        try:
            command_line.run(options)
        except ValueError as mistake:
            raise CommandError(str(mistake)) from None
