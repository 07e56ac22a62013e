"""Stripe's error bodies: status and type decide which class the client library raises."""

from typing import Any

from sandbox.web import Refusal, Response


def reply(
    status: int, kind: str, message: str, *, code: str | None = None, **more: Any
) -> Response:
    """An error as Stripe words it; `more` are its further fields, such as param or decline_code."""
    error: dict[str, Any] = {"type": kind, "message": message, **more}
    if code:
        error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes/{code}"}
    return Response(status, {"error": error})


def refuse(message: str, *, code: str | None = None, status: int = 400, **more: Any) -> Refusal:
    """An invalid request, to be raised: nothing was done, and nothing is kept under its key."""
    return Refusal(reply(status, "invalid_request_error", message, code=code, **more))


def no_such(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> Refusal:
    """The named object does not exist."""
    return refuse(
        f"No such {kind}: '{object_id}'", code="resource_missing", status=status, param=param
    )
