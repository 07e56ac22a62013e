"""Our own middleware."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

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
