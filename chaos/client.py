"""A client as good clients are: it sends a request again, under the same key, until it is answered.

Now and then it is impatient: it leaves after the first lost answer, as people do. What became of
such a request nobody knows, and the checkers ask for all of it or nothing.
"""

import http.client
import json
import random
import time
from dataclasses import dataclass
from typing import Any

from chaos.journal import Answer, Request

TIMEOUT = 3.0  # seconds for one try
IMPATIENT = 0.1  # share of the requests
AGAIN = (0, 429, 500, 502, 503, 504)
"""Nothing is known yet: no answer, too many, or a server in trouble."""

STILL_RUNNING = "request_in_progress"
"""As the error of a 409; another conflict will not pass: too late for a cancel, say."""


@dataclass
class Client:
    """Talks to the web servers in turn, so that one that is down or frozen is gone around."""

    addresses: list[str]  # host:port
    token: str
    patience: float = 90.0  # seconds until a request is given up as indeterminate

    def send(self, request: Request, dice: random.Random, *, patient: bool = False) -> None:
        """Send it until it is answered, and write down what is known then. Never raises."""
        start = time.monotonic()
        impatient = not patient and dice.random() < IMPATIENT
        while True:
            request.sent += 1
            status, body = self._post(request)
            if not _must_ask_again(status, body):
                break
            if time.monotonic() > start + self.patience or (impatient and status == 0):
                request.answered_at = time.time()
                request.answer = Answer.INDETERMINATE
                return
            time.sleep(dice.uniform(0.05, 0.3))
        request.answered_at = time.time()
        request.id = str(body.get("id") or body.get("slug") or "")
        if status in (200, 201):
            request.answer = Answer.ACCEPTED
        else:
            request.refusal = str(body.get("error", {}).get("code") or status)
            request.answer = Answer.REFUSED

    def get(self, path: str) -> tuple[int, Any]:
        """One GET of the API: status (0: no answer) and body."""
        return self._ask("GET", path, None, {}, random.choice(self.addresses))  # noqa: S311

    def _post(self, request: Request) -> tuple[int, Any]:
        address = self.addresses[(request.number + request.sent) % len(self.addresses)]
        text = json.dumps(request.body)
        return self._ask("POST", request.path, text, {"Idempotency-Key": request.key}, address)

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str], address: str
    ) -> tuple[int, Any]:
        always = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, {**always, **headers})
            answer = connection.getresponse()
            # A server killed while it answers may leave half a header, and no body behind it.
            return answer.status, json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return 0, {}
        finally:
            connection.close()


def _must_ask_again(status: int, body: Any) -> bool:
    if status == http.HTTPStatus.CONFLICT:
        return bool(body.get("error", {}).get("code") == STILL_RUNNING)
    return status in AGAIN
