"""The carrier, by plain HTTP. A shipment is known by the reference that we make."""

from typing import Any

import requests
from django.conf import settings
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from orders.calls import Barred, NotNow, Refused, Unknown, demand_time


def create(*, reference: str, order: str) -> str:
    """Have it shipped; returns the tracking number.

    409 is how the carrier says that the reference is taken: by our own first request, whose
    shipment it shows. Raises Refused, NotNow, Barred, Unknown.
    """
    answer = _post("", {"reference": reference, "order": order})
    if answer.status_code not in (201, 409):
        raise _failure(answer)
    shipment = _read(answer)
    shipment = shipment.get("shipment", {}) if answer.status_code == 409 else shipment
    if shipment.get("status") != "created" or shipment.get("order") != order:
        raise Refused(f"the reference {reference} belongs to a shipment that was cancelled")
    return str(shipment.get("tracking_number") or "")


def cancel(*, reference: str) -> None:
    """Cancel it, even before it was made; again gives the same. Raises as `create`."""
    answer = _post(f"/{reference}/cancel", {})
    if answer.status_code != 200:
        raise _failure(answer)


def _post(path: str, body: dict[str, str]) -> requests.Response:
    demand_time()
    try:
        return requests.post(
            f"{settings.SHOP.carrier_url}/carrier/v1/shipments{path}",
            json=body,
            headers={"Authorization": f"Bearer {settings.SHOP.carrier_token}"},
            timeout=settings.SHOP.timeout,
        )
    except requests.RequestException as error:
        words = f"no answer from the carrier ({type(error).__name__})"
        raise (NotNow(words) if _never_connected(error) else Unknown(words)) from error


def _failure(answer: requests.Response) -> Exception:
    """What a status says about the shipment.

    | status | meaning |
    |---|---|
    | 429 | nothing happened, perhaps later |
    | 401, 403 | our account is not let in: a person has to mend that |
    | 408, 5xx | nobody knows |
    | any other | refused |
    """
    words = f"carrier: {answer.status_code} {_message(answer)}"[:300]
    if answer.status_code == 429:
        return NotNow(words)
    if answer.status_code in (401, 403):
        return Barred(words)
    if answer.status_code == 408 or answer.status_code >= 500:
        return Unknown(words)
    return Refused(words)


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except requests.JSONDecodeError as error:
        raise Unknown("the carrier's answer cannot be read") from error
    return body if isinstance(body, dict) else {}


def _message(answer: requests.Response) -> str:
    try:
        return str(_read(answer).get("error", {}).get("message", ""))
    except (Unknown, AttributeError):
        return ""


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the request cannot have left, since there was no connection for it."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(cause, NewConnectionError | NameResolutionError)
