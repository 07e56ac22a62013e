"""The project itself as a Django app: its commands, its checks, what every process does first."""

from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created


class ConfigApp(AppConfig):
    """Registers what must hold before anything runs."""

    name = "config"

    def ready(self) -> None:
        """Refuse databases that acknowledge commits before they are on disk; send heartbeats."""
        from config import durability, heartbeats, sentry, tracing

        sentry.start()
        tracing.start()
        connection_created.connect(durability.refuse_lossy_commits, dispatch_uid="durability")
        heartbeats.connect()
        checks.register(durability.check_durability, checks.Tags.database)
