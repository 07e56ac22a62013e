"""What watches from outside: Prometheus' token, OpenTelemetry and Sentry, each by the environment.

Off unless asked for. The libraries are an extra: requirements-observability.txt.
"""

from typing import Any

from environs import Env


def observability_settings(env: Env) -> dict[str, Any]:
    """The settings, from METRICS_TOKEN, OTEL_EXPORTER_OTLP_ENDPOINT and SENTRY_DSN."""
    return {
        # A bearer token that opens /metrics and nothing else; without one an API token does.
        "METRICS_TOKEN": env.str("METRICS_TOKEN", ""),
        # Where spans are sent, as OpenTelemetry's own variable says; empty: none are made.
        "TRACES_ENDPOINT": env.str("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        "SENTRY_DSN": env.str("SENTRY_DSN", ""),
        "SENTRY_ENVIRONMENT": env.str("SENTRY_ENVIRONMENT", "production"),
    }
