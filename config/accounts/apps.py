"""Who may do what: roles, sign-in, API tokens, demo accounts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Keeps the roles' permissions in step with the models, after every migration."""

    name = "config.accounts"
    label = "accounts"
    verbose_name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen behind ``django.contrib.auth``, which creates the permissions given out here."""
        from . import roles

        post_migrate.connect(roles.grant_after_migrate, dispatch_uid="accounts.roles")
