"""`manage.py relay`: the relay in a loop of its own, so that delivery does not need beat."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from outbox import relay

logger = logging.getLogger("outbox.relay")


class Command(BaseCommand):
    help = "Look twice a second for due messages without a dispatch, and send some. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=float, default=0.5, help="seconds between rounds")
        parser.add_argument("--once", action="store_true", help="one round, then end")

    def handle(self, *_args: Any, every: float, once: bool, **_options: Any) -> None:
        if once:
            self.stdout.write(str(vars(relay.run_once())))
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        rings = relay.Rings()
        # Event.wait counts on the monotonic clock: a step of the wall clock does not matter.
        while not stop.wait(every):
            self._round(rings)

    def _round(self, rings: relay.Rings) -> None:
        """One round; whatever goes wrong, the next one tries again on a fresh connection."""
        try:
            relay.run_once(rings)
        except Exception:
            logger.exception("relay round failed; the next one follows")
            connection.close()
