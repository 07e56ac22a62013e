"""One shape for every error of the API: ``{"error": {"code", "message", "fields"?}}``."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from .api_limits import UnreadableBody

CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}
ADVICE = {
    HTTPStatus.UNAUTHORIZED: (
        "Send a valid token as `Authorization: Bearer …`; `manage.py api_token USER` makes one."
    ),
    HTTPStatus.FORBIDDEN: "Your role does not allow this: a viewer reads, an operator acts.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests with this token. Wait as Retry-After says.",
}


def error_body(status: int, message: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the body of an error, ready to be written as JSON."""
    code = CODES.get(HTTPStatus(status), "error")
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = fields
    return {"error": error}


def register(api: NinjaAPI) -> None:
    """Make the API answer in this shape whatever goes wrong."""

    def answer(request: HttpRequest, status: int, message: str, **more: Any) -> HttpResponse:
        return api.create_response(request, error_body(status, message, **more), status=status)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        fields = {_field(fault): str(fault.get("msg", "")) for fault in error.errors}
        named = "; ".join(f"{name}: {fault}" for name, fault in fields.items())
        return answer(request, 422, f"Nothing was changed. {named}", fields=fields)

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        message = str(error)
        if isinstance(error.__cause__, UnreadableBody):  # ninja's own text would hide the reason
            message = str(error.__cause__)
        generic = message in {"Unauthorized", "Forbidden", "Too many requests."}
        status = HTTPStatus(error.status_code)
        return answer(request, status, ADVICE.get(status, message) if generic else message)

    @api.exception_handler(PermissionDenied)
    def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return answer(request, 403, str(error) or ADVICE[HTTPStatus.FORBIDDEN])

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, 404, "There is nothing at this address.")

    @api.exception_handler(RequestDataTooBig)
    def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return answer(request, 413, "The body is too large. Send one object of a few kilobytes.")

    @api.exception_handler(UnreadablePostError)
    def cut_off(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
        return answer(request, 400, "The body ended early. Send the request again.")


def _field(fault: dict[str, Any]) -> str:
    """Name the field as the client wrote it: ``percent``, not ``body.payload.percent``."""
    places = [str(place) for place in fault.get("loc", ())]
    if len(places) > 1 and places[0] in {"query", "path", "header"}:
        return ".".join(places[1:])
    return ".".join(places[2:]) or (places[0] if places else "body")
