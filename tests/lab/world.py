"""What the tests of hot runs and own schedules share."""

import subprocess
from typing import Any

from django.test import Client
from django.urls import reverse

from races.models import LabRun
from tests.stack import Stack

CLASSIC = {"credits": "100", "workers": "4", "jobs": "60", "twice": "on"}


def post(client: Client, view: str, *args: Any, **form: Any) -> Any:
    """Send a form as a page does, with its token."""
    client.get("/races/hot/")
    token = client.cookies["csrftoken"].value
    return client.post(reverse(view, args=args), form, headers={"x-csrftoken": token})


def wait_until_over(stack: Stack, run: LabRun, timeout: float = 90) -> LabRun:
    """Wait for a run's end and read it anew."""

    def over() -> bool:
        run.refresh_from_db()
        return not run.is_open

    stack.wait_until(over, timeout=timeout)
    return run


def processes(word: str) -> list[str]:
    """Command lines that hold this word."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listing.splitlines() if word in line]
