"""A task that takes a moment, so that a worker holds messages that it has not acknowledged."""

import time

from celery import current_app


@current_app.task(name="tests.slow")  # type: ignore[untyped-decorator]
def slow() -> None:
    """Take a second and a half."""
    time.sleep(1.5)
