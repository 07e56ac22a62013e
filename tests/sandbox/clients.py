"""The real client libraries, pointed at the sandbox."""

from typing import Any

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.sandbox.process import SandboxProcess

SENDER = "+15005550006"


def twilio_client(sandbox: SandboxProcess, *, timeout: float = 5.0, token: str = "") -> Client:
    secret = sandbox.credentials
    client = Client(
        secret.twilio_account_sid,
        token or secret.twilio_auth_token,
        http_client=TwilioHttpClient(timeout=timeout),
    )
    client.api.base_url = sandbox.url
    return client


def stripe_client(sandbox: SandboxProcess, *, timeout: float = 5.0, key: str = "") -> Any:
    import stripe  # takes 1.8 s: only where it is needed

    return stripe.StripeClient(
        key or sandbox.credentials.stripe_api_key,
        base_addresses={"api": sandbox.url},
        http_client=stripe.RequestsClient(timeout=timeout),
    ).v1


class Carrier:
    """The carrier's API by plain HTTP."""

    def __init__(self, sandbox: SandboxProcess, *, timeout: float = 5.0, token: str = "") -> None:
        self._url = sandbox.url + "/carrier/v1/shipments"
        self._headers = {"Authorization": f"Bearer {token or sandbox.credentials.carrier_token}"}
        self._timeout = timeout

    def create(self, **shipment: Any) -> requests.Response:
        return requests.post(self._url, json=shipment, headers=self._headers, timeout=self._timeout)

    def fetch(self, reference: str) -> requests.Response:
        return self._get(f"{self._url}/{reference}")

    def list(self, **query: Any) -> requests.Response:
        return self._get(self._url, **query)

    def cancel(self, reference: str) -> requests.Response:
        url = f"{self._url}/{reference}/cancel"
        return requests.post(url, headers=self._headers, timeout=self._timeout)

    def _get(self, url: str, **query: Any) -> requests.Response:
        return requests.get(url, params=query, headers=self._headers, timeout=self._timeout)
