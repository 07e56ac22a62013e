"""System checks: what would break the promise is said before anything runs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DEFAULT_DB_ALIAS, router

from outbox import handlers
from outbox.unsafe import unsafe_in

SHORTCUTS = {"delay", "apply_async", "s", "si", "signature"}
_SUSPECT = re.compile(r"\.(delay|apply_async|s|si|signature|send_task)\b|acks_late")


@register(Tags.database)
def database_is_postgresql(**_: Any) -> list[CheckMessage]:
    """E001: row locks that are skipped, and errors in savepoints, are taken from PostgreSQL."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if "postgresql" in engine or "postgis" in engine:
        return []
    return [Error(f"The outbox needs PostgreSQL, not {engine}.", id="outbox.E001")]


@register()
def everything_is_in_one_database(**_: Any) -> list[CheckMessage]:
    """E003: a message commits with its business rows, and a replica lags behind."""
    elsewhere = [
        model._meta.label
        for model in apps.get_app_config("outbox").get_models()
        if {router.db_for_read(model), router.db_for_write(model)} != {DEFAULT_DB_ALIAS}
    ]
    if not elsewhere:
        return []
    return [
        Error(
            f"DATABASE_ROUTERS lead {', '.join(elsewhere)} to another database than 'default'.",
            hint="Let the router answer 'default' for reads and writes of the app 'outbox'.",
            id="outbox.E003",
        )
    ]


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
        for path, source in _own_sources()
        for line, call in shortcuts_in(source, names)
    ]


@register()
def nothing_is_left_unsafe(**_: Any) -> list[CheckMessage]:
    """W001 to W004: what a project that is moving over still does with Celery alone."""
    return [
        Caution(f"This {found.message}", hint=found.hint, obj=f"{path}:{found.line}", id=found.id)
        for path, source in _own_sources()
        for found in unsafe_in(source)
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


def _own_sources() -> Iterator[tuple[Path, str]]:
    """The project's own modules that could publish: of installed apps, outside any site-packages.

    Every command runs the checks, so what has none of the words is not even parsed.
    """
    for config in apps.get_app_configs():
        root = Path(config.path)
        if "site-packages" in root.parts:
            continue
        for path in sorted(root.rglob("*.py")):
            source = "" if "tests" in path.parts else path.read_text(encoding="utf-8")
            if _SUSPECT.search(source):
                yield path, source
