from django.apps import AppConfig


class WorkConfig(AppConfig):
    """The benchmark's own tables, made by schema.sql, and its handlers."""

    name = "benchmarks.work"
    label = "work"
