"""A program that speaks to the API with a token of its own."""

import json
import uuid
from typing import Any

from django.test import Client

from config.accounts import tokens
from tests.accounts.people import make_user

REDUCTIONS = "/api/v1/price-reductions"


class ApiClient:
    """Sends a new Idempotency-Key with each POST, unless it is told which (or "" for none)."""

    def __init__(self, role: str = "operator", name: str = "") -> None:
        token = tokens.issue_token(user=make_user(role, name))
        self.headers = {"Authorization": f"Bearer {token}"}
        self.client = Client()

    def get(self, address: str, **query: Any) -> Any:
        """GET, with a query."""
        return self.client.get(address, query, headers=self.headers)

    def post(self, body: Any, address: str = REDUCTIONS, key: str | None = None) -> Any:
        """POST a JSON body; a string is sent as it is."""
        key = str(uuid.uuid4()) if key is None else key
        return self.client.post(
            address,
            body if isinstance(body, str) else json.dumps(body),
            content_type="application/json",
            headers={**self.headers, **({"Idempotency-Key": key} if key else {})},
        )
