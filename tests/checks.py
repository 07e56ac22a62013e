"""`python -m tests.checks`: Django's own checks of a deployment, and no migration missing."""

import os
import sys

import django
from django.core.management import call_command


def main() -> int:
    """Run both under the settings of a deployment; returns 0, or raises what they found."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.lint_settings"
    django.setup()
    call_command("check", deploy=True, fail_level="WARNING")
    # It would ask the database whether its history is whole: here is none, and none is needed.
    from django.db import connections

    connections.databases["default"]["ENGINE"] = "django.db.backends.dummy"
    call_command("makemigrations", check=True, dry_run=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
