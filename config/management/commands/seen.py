"""`manage.py seen NAME`: whether a process was there lately; containers' health checks ask it."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
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
    if not settings.HEARTBEATS_URL:  # RabbitMQ counts, and knows no names
        return bool(heartbeats.workers())
    return f"{name}@{socket.gethostname()}" in {worker.name for worker in heartbeats.workers()}


def _has_session(name: str) -> bool:
    """From the address that we come from ourselves: another machine's relay is not this one's."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, [name])
        return cursor.fetchone() is not None


_SESSIONS = """
    SELECT 1 FROM pg_stat_activity WHERE application_name = %s
    AND client_addr IS NOT DISTINCT FROM inet_client_addr()
"""
