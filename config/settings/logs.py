"""Logs: one JSON object a line on standard error, with whatever ties the lines of one job together.

Ours and every library's go the same way. What stands in `extra={…}` of a standard logging call
(message_id, operation_id, task_id, handler, attempt) becomes a field, as does what
django-structlog binds around a request (request_id, user_id) or a Celery task (task_id), and what
config.carried binds around an effect.
"""

from typing import Any

import structlog

from config import carried, redaction


def logging_settings(level: str, process: str) -> dict[str, Any]:
    """Configure structlog and return Django's settings for logging."""
    structlog.configure(
        processors=[*_enrich(process), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "LOGGING": _logging(level, process),
        "DJANGO_STRUCTLOG_CELERY_ENABLED": True,
        # The relay runs each second: its start says nothing that its end does not.
        "DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL": 10,
        "DJANGO_STRUCTLOG_CELERY_TASK_SUCCESS_LOG_LEVEL": 10,
    }


def _enrich(process: str) -> list[Any]:
    def with_process(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["process"] = process
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        carried.of_its_own_request,
        with_process,
    ]


def _logging(level: str, process: str) -> dict[str, Any]:
    ours = {"handlers": ["lines"], "level": level, "propagate": False}
    quiet = {**ours, "level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _enrich(process),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redaction.as_text,
                    redaction.redact_event,  # last, so that nothing is added behind its back
                    structlog.processors.JSONRenderer(default=str),
                ],
            }
        },
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["lines"], "level": level},
        "loggers": {
            "django": ours,
            "django.server": ours,
            "gunicorn.error": ours,
            # A line for every task that came and went, beside django-structlog's: once is enough.
            "celery.worker.strategy": quiet,
            "celery.app.trace": quiet,
            "kombu": quiet,
            "django_celery_beat": quiet,
            "celery.beat": quiet,
        },
    }
