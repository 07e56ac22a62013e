"""System checks: what would break the promise is said before anything runs."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from outbox import handlers

SHORTCUTS = {"delay", "apply_async", "s", "si", "signature"}


@register(Tags.database)
def database_is_postgresql(**_: Any) -> list[CheckMessage]:
    """E001: row locks that are skipped, and errors in savepoints, are taken from PostgreSQL."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if "postgresql" in engine or "postgis" in engine:
        return []
    return [Error(f"The outbox needs PostgreSQL, not {engine}.", id="outbox.E001")]


@register()
def handlers_are_enqueued(**_: Any) -> list[CheckMessage]:
    """E002: nobody publishes a handler's task directly; no row would stand for that job."""
    names = {handler.function.__name__ for handler in map(handlers.get, handlers.names())}
    return [
        Error(
            f"{call}() publishes an outbox handler's task without a message.",
            hint="Call outbox.enqueue(NAME, args=…) inside the business transaction.",
            obj=f"{path}:{line}",
            id="outbox.E002",
        )
        for path in _own_sources()
        for line, call in shortcuts_in(path.read_text(encoding="utf-8"), names)
    ]


def shortcuts_in(source: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Lines that call `.delay()` and its like on something with a handler's name."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        target = node.func.value
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if node.func.attr in SHORTCUTS and name in names:
            yield node.lineno, f"{name}.{node.func.attr}"


def _own_sources() -> Iterator[Path]:
    """The project's own modules: those of installed apps, outside any site-packages."""
    for config in apps.get_app_configs():
        root = Path(config.path)
        if "site-packages" not in root.parts:
            yield from (path for path in sorted(root.rglob("*.py")) if "tests" not in path.parts)
