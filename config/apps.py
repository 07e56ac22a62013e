"""The project itself as a Django app: its commands, its checks, what every process does first."""

from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created
from django_structlog.celery.signals import modify_context_before_task_publish


class ConfigApp(AppConfig):
    """Registers what must hold before anything runs."""

    name = "config"

    def ready(self) -> None:
        """Refuse databases that acknowledge commits before they are on disk; send heartbeats.

        Log lines of an effect say for which message, and its trace goes on, if anybody traces.
        """
        from config import carried, durability, heartbeats, sentry, tracing
        from outbox import context

        context.set_around(carried.around_effect)
        modify_context_before_task_publish.connect(carried.with_a_dispatch, dispatch_uid="carried")
        sentry.start()
        tracing.start()
        connection_created.connect(durability.refuse_lossy_commits, dispatch_uid="durability")
        heartbeats.connect()
        checks.register(durability.check_durability, checks.Tags.database)
