"""`manage.py send_campaign SLUG --text …`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from credits import inputs, selectors, services


class Command(BaseCommand):
    """A doorway to `services.start_campaign`."""

    help = (
        "Text everyone in a community. The credits are held at once, the texts are sent by the "
        "workers. With --key, repeating the command sends nothing more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options. Their values are read in `inputs`, as everywhere."""
        parser.add_argument("community", metavar="SLUG")
        parser.add_argument(
            "--text", required=True, help="what to send; {name} and {community} are filled in"
        )
        parser.add_argument(
            "--shortfall",
            metavar="refuse|send_what_fits",
            default="refuse",
            help="what to do where the credits do not reach everybody (default: refuse)",
        )
        parser.add_argument("--deadline", metavar="ISO", help="nothing is sent after it")
        parser.add_argument("--key", help="names this operation: repeated, it is still one")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, community: str, text: str, **options: Any) -> None:
        """Start, and print the campaign. Raises CommandError, and then nothing was changed."""
        try:
            campaign = services.start_campaign(
                community=community,
                text=text,
                shortfall=options["shortfall"],
                deadline=options["deadline"],
                key=options["key"],
                actor="send_campaign",
            )
        except inputs.InvalidInput as error:
            self._fail({"error": _named(error.errors), "fields": error.errors}, options)
        except services.TooFewCredits as error:
            self._fail({"error": str(error), "missing": error.missing}, options)
        except services.KeyReused as error:
            self._fail({"error": str(error)}, options)
        else:
            self._report(selectors.describe_campaign(campaign), options)

    def _report(self, described: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(described))
            return
        self.stdout.write(
            f"{described['id']}: {described['queued']} texts to {described['members']} members, "
            f"{described['credits_held']} credits held, {described['skipped']} skipped."
        )

    def _fail(self, answer: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        raise CommandError(answer["error"])


def _named(errors: dict[str, str]) -> str:
    """The faults under the names that the command line has for the fields."""
    names = {"community": "SLUG"}
    return " ".join(f"{names.get(field, f'--{field}')}: {fault}" for field, fault in errors.items())
