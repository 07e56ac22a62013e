"""`manage.py seen NAME`: whether a process was there lately; containers' health checks ask it."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config import heartbeats


class Command(BaseCommand):
    """A worker is seen by its heartbeat in the broker, anything else by its database session."""

    help = "Exit with 0 if the process NAME of this machine (worker-main, relay, beat) is there."
    requires_system_checks = ()  # asked every half a minute; the checks are the processes' own

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name, as PROCESS_NAME gives it."""
        parser.add_argument("name")

    def handle(self, *_: Any, name: str, **__: Any) -> None:
        """Say yes, or raise CommandError."""
        seen = _worker(name) if name.startswith("worker") else _has_session(name)
        if not seen:
            raise CommandError(f"{name} was not seen.")
        self.stdout.write(f"{name} is there.")


def _worker(name: str) -> bool:
    return f"{name}@{socket.gethostname()}" in {worker.name for worker in heartbeats.workers()}


def _has_session(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = %s", [name])
        return cursor.fetchone() is not None
