"""A process that is sending a text until its input ends: `python -m tests.scaling.sender TOKEN`."""

import os
import sys
from uuid import UUID

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from credits import sending

    with sending.presence(UUID(sys.argv[1])):
        sys.stdout.write("calling the provider\n")
        sys.stdout.flush()
        sys.stdin.read()
