"""System checks: what would break the promise is said before anything runs."""

import re
from collections.abc import Iterator
from importlib.util import decode_source
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DEFAULT_DB_ALIAS, router

from outbox import handlers
from outbox.shortcuts import shortcuts_in
from outbox.unsafe import unsafe_in

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
def times_have_zones(**_: Any) -> list[CheckMessage]:
    """E004: where USE_TZ is False, Django writes and reads times of no zone; ours all have one."""
    if settings.USE_TZ:
        return []
    return [Error("The outbox needs USE_TZ = True: its times have zones.", id="outbox.E004")]


@register()
def handlers_are_enqueued(**_: Any) -> list[CheckMessage]:
    """E002: nobody publishes a handler's task directly; no row would stand for that job."""
    functions = [handlers.get(name).function for name in handlers.names()]
    names = {f"{function.__module__}.{function.__qualname__}" for function in functions}
    return [
        Error(
            f"{call}() publishes an outbox handler's task without a message.",
            hint="Call outbox.enqueue(NAME, args=…) inside the business transaction.",
            obj=f"{path}:{line}",
            id="outbox.E002",
        )
        for path, module, source in _own_sources()
        for line, call in shortcuts_in(source, module, names)
    ]


@register()
def nothing_is_left_unsafe(**_: Any) -> list[CheckMessage]:
    """W001 to W004: what a project that is moving over still does with Celery alone."""
    return [
        Caution(f"This {found.message}", hint=found.hint, obj=f"{path}:{found.line}", id=found.id)
        for path, _, source in _own_sources()
        for found in unsafe_in(source)
    ]


def _own_sources() -> Iterator[tuple[Path, str, str]]:
    """The project's own modules that could publish: of installed apps, outside any site-packages,
    with their names.

    Every command runs the checks, so what has none of the words is not even parsed.
    """
    for config in apps.get_app_configs():
        root = Path(config.path)
        if "site-packages" in root.parts:
            continue
        for path in sorted(root.rglob("*.py")):
            source = "" if "tests" in path.parts else _read(path)
            if _SUSPECT.search(source):
                inside = path.relative_to(root).with_suffix("").parts
                yield path, ".".join([config.name, *inside]), source


def _read(path: Path) -> str:
    """As Python reads it, by its byte order mark or declared coding; "" where it would not."""
    try:
        return decode_source(path.read_bytes())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""
