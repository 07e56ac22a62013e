"""Sentry: errors of every process, and dead letters, where SENTRY_DSN says. An extra."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import process, redaction


def start(transport: Any = None) -> None:
    """Send errors from this process, if it was asked for. Raises ImproperlyConfigured without the
    extra. A second call replaces the first.
    """
    if not settings.SENTRY_DSN:
        return
    try:
        import sentry_sdk
    except ImportError as missing:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, and sentry-sdk is not installed: "
            "pip install --require-hashes -r requirements-observability.txt"
        ) from missing
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        server_name=process.name(),
        data_collection={  # what people typed, and who they are, stays here
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "off"}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "stack_frame_variables": False,
            "database_query_data": False,
            "queues": False,
        },
        before_send=redact,
        before_breadcrumb=redact,
        transport=transport,
    )
    endings = logging.getLogger("outbox.endings")
    if not any(isinstance(one, DeadLetters) for one in endings.handlers):
        endings.addHandler(DeadLetters())


class DeadLetters(logging.Handler):
    """A message that died is an error; one that failed and is retried is none."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, grouped by handler and reason, so that a thousand are one issue."""
        if getattr(record, "state", "") != "dead":
            return
        import sentry_sdk

        handler = str(getattr(record, "handler", ""))
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("handler", handler)
            for name in ("message_id", "operation_id", "attempt"):
                scope.set_tag(name, str(getattr(record, name, "")))
            reason = str(getattr(record, "reason", "")).partition("\n")[0]
            scope.fingerprint = ["dead letter", handler, reason.partition(":")[0]]
            sentry_sdk.capture_message(f"Dead letter: {handler}: {reason}", level="error")


def redact(event: Any, _hint: Any) -> Any:
    """The same event as a log line may have it: no secrets, no phone numbers, no searches."""
    return redaction.redact_event(None, "", event)
