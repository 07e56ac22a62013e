"""``manage.py api_token USER``: print a new bearer token."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from config.accounts import tokens


class Command(BaseCommand):
    """Prints the token and nothing else, for ``TOKEN=$(manage.py api_token operator)``."""

    help = "Make an API token for a user and print it. Earlier tokens stay valid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user's name."""
        parser.add_argument("user", help="the user's name")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue and print."""
        user = self._active_user(options["user"])
        token = tokens.issue_token(user=user)
        answer = {"user": user.username, "token": token}
        self.stdout.write(json.dumps(answer) if options["json"] else token)

    def _active_user(self, name: str) -> User:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}. `manage.py createsuperuser` makes one.")
        if not user.is_active:
            raise CommandError(f"The user {name!r} is not active, so a token would be refused.")
        return user
