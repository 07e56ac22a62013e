from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutboxConfig(AppConfig):
    """The transactional outbox. Any installed app has its handlers in a module `tasks`, its
    checks of reconciliation in a module `reconciliation`."""

    name = "outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from outbox import checks  # noqa: F401 - registers them
        from outbox.monitoring import deliveries
        from outbox.reconciliation import own  # noqa: F401 - likewise

        autodiscover_modules("tasks", "reconciliation")
        deliveries.connect()
