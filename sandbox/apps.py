"""The sandbox as a Django app: it brings the `sandbox` command and nothing else."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """No models: the sandbox keeps its own store, apart from the application's database."""

    name = "sandbox"
