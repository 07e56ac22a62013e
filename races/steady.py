"""What the clock decides in the outbox would be chance in a schedule: here it decides nothing.

A schedule must go the same way each time it is run, however long it takes. So a dispatch never
runs out of its time slice, a run record names one message, no mark holds a dispatch back, and
figures about deliveries are not kept. None of these decides what is right; each is for speed.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from unittest.mock import patch

from celery.signals import task_success
from django.conf import settings

from outbox import consumer
from outbox.monitoring import deliveries
from outbox.pace import Pace


@contextmanager
def without_clocks() -> Iterator[None]:
    """For as long as races are explored."""
    with ExitStack() as patched:
        patched.enter_context(patch.object(consumer, "TIME_SLICE", timedelta(hours=1)))
        patched.enter_context(patch.object(Pace, "next_size", lambda self: 1))
        patched.enter_context(patch.object(settings, "OUTBOX_COALESCING_CACHE", None, create=True))
        counted = task_success.disconnect(dispatch_uid="outbox.deliveries")
        try:
            yield
        finally:
            if counted:
                deliveries.connect()
