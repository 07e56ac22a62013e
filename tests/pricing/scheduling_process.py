"""A process of its own that schedules reductions when it is told to, and prints their ids.

It says "ready", waits for one line of JSON (a list of arguments for the service), and works
through it. Several of them, told one right after the other, schedule at once.
"""

import json
import sys

import django


def main() -> None:
    """Talk with the test over standard input and output."""
    django.setup()
    from pricing import services

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for arguments in json.loads(sys.stdin.readline()):
        reduction = services.schedule_reduction(actor="test", **arguments)
        sys.stdout.write(f"{reduction.pk}\n")


if __name__ == "__main__":
    main()
