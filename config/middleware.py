"""Our own middleware."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


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
