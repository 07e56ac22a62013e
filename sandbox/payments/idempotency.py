"""Idempotency keys with Stripe's published semantics (docs.stripe.com/api/idempotent_requests).

The first status and body are kept and replayed, a 500 included. What was never carried out (bad
parameters, a rate limit, a conflict) keeps nothing. Keys are forgotten after a while.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox import knobs
from sandbox.payments import errors
from sandbox.web import Call, Refusal, Request, Response

LONGEST_KEY = 255


class KeysInUse:
    """The keys of requests in flight. In memory: a killed process has none in flight."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Hold a key while its request is carried out. Raises Refusal (409) if it is held."""
        with self._lock:
            if key in self._keys:
                raise Refusal(_in_use(key))
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


def key_of(request: Request) -> str | None:
    """The request's key; only POST has one. Raises Refusal where it is too long."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key and len(key) > LONGEST_KEY:
        raise errors.refuse(f"Idempotency keys are at most {LONGEST_KEY} characters long")
    return key or None


def once(call: Call, effect: Callable[[], Response]) -> Response:
    """The first answer to the call's key, or else that of the effect, kept with it."""
    key = key_of(call.request)
    if key is None:
        return effect()
    _forget(call)
    row = call.db.execute("SELECT * FROM idempotency_key WHERE key = ?", (key,)).fetchone()
    return _replay(row, call.request) if row else _first(call, key, effect())


def _first(call: Call, key: str, response: Response) -> Response:
    # In the transaction of the effect: no kill can part the effect from its answer.
    call.db.execute(
        "INSERT INTO idempotency_key (key, fingerprint, status, body, at) VALUES (?, ?, ?, ?, ?)",
        (key, _fingerprint(call.request), response.status, json.dumps(response.body), call.now),
    )
    return response


def _replay(row: sqlite3.Row, request: Request) -> Response:
    if row["fingerprint"] != _fingerprint(request):
        raise Refusal(
            errors.reply(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same endpoint and the"
                f" same parameters they were first used with. Key: {row['key']}",
            )
        )
    return Response(row["status"], json.loads(row["body"]), {"Idempotent-Replayed": "true"})


def _fingerprint(request: Request) -> str:
    text = json.dumps([request.path, sorted(request.form.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def _forget(call: Call) -> None:
    oldest = call.now - knobs.number(call.db, "payments_key_seconds")
    call.db.execute("DELETE FROM idempotency_key WHERE at < ?", (oldest,))


def _in_use(key: str) -> Response:
    return errors.reply(
        409,
        "invalid_request_error",
        f"Another request with the idempotency key {key} is still being carried out.",
        code="idempotency_key_in_use",
    )
