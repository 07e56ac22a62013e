"""A task that takes a moment, so that a worker holds messages that it has not acknowledged."""

import logging
import time

from celery import current_app


@current_app.task(name="tests.slow")  # type: ignore[untyped-decorator]
def slow() -> None:
    """Take a second and a half, and say so."""
    time.sleep(1.5)
    logging.getLogger("tests").info("slow task ended")
