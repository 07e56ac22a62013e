"""The chaos run as a Django app: its command, and what it plants in a home of its own."""

import os

from django.apps import AppConfig

from chaos import own_home


class ChaosApp(AppConfig):
    """Outside a home that `manage.py chaos` has made, this app is its command and nothing else."""

    name = "chaos"

    def ready(self) -> None:
        """Plant the bare effect's page, and the bug that the environment names. Raises NotOurs."""
        bug = os.environ.get("ONCEPROOF_CHAOS_BUG", "")
        if own_home.is_here():
            from django.conf import settings

            settings.ROOT_URLCONF = "chaos.planted.urls"
        if bug:
            from chaos.planted import bugs

            bugs.plant_by_name(bug)
