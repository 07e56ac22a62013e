"""Our own middleware."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

from config import health
from outbox import context

GetResponse = Callable[[HttpRequest], HttpResponse]


def health_first(get_response: GetResponse) -> GetResponse:
    """Answer health checks before hosts, TLS, sessions and logs are looked at.

    Container engines and load balancers ask by number and without TLS, every few seconds.
    """
    views = {"/healthz": health.healthz, "/readyz": health.readyz}

    def respond(request: HttpRequest) -> HttpResponse:
        return views.get(request.path_info, get_response)(request)

    return respond


def trace_context(get_response: GetResponse) -> GetResponse:
    """What a request enqueues continues the trace that the request came with, if it did."""

    def respond(request: HttpRequest) -> HttpResponse:
        with context.trace(request.headers.get("traceparent", "")):
            return get_response(request)

    return respond


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Send Content-Security-Policy with every answer (Django 5.2 has none built in)."""
    policy = "; ".join(
        f"{what} {where}" for what, where in settings.CONTENT_SECURITY_POLICY.items()
    )

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return respond


class RequestLines(RequestMiddleware):
    """django-structlog's lines for each request, and what those of the request carry."""

    def prepare(self, request: HttpRequest) -> None:
        """Begin: every line of the request has its id, its user's, and its idempotency key."""
        super().prepare(request)
        if key := request.headers.get("Idempotency-Key", ""):
            structlog.contextvars.bind_contextvars(idempotency_key=key[:200])

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path. No query: that is what people search for."""
        return f"{request.method} {request.path}"
