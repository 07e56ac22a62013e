"""What people and programs see when a request fails outside of any view."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from .api_errors import error_body


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return _as_json(request, 400, "The request could not be read.") or defaults.bad_request(
        request, exception
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _as_json(request, 404, "There is nothing at this address.") or defaults.page_not_found(
        request, exception
    )


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """500. The page needs neither the database nor a signed-in user."""
    message = "Something broke on our side. Send the same request under the same key again."
    return _as_json(request, 500, message) or defaults.server_error(request)


def _as_json(request: HttpRequest, status: int, message: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    return JsonResponse(error_body(status, message), status=status)
