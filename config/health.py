"""GET /healthz: this process answers. GET /readyz: the whole system can do its work.

No sign-in. Both answer within three seconds whatever has stopped: each part is asked in a thread of
its own, and whoever asks while it still waits for an answer waits for that one.
"""

import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import heartbeats
from outbox import selectors

PATIENCE = 2.0  # seconds for all parts together
SEEN_FOR = 5.0  # seconds that we remember a worker, so that an emptied broker is no alarm


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200: the process is alive. It asks nobody else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 with the reasons. The oldest due message's age (seconds) is no reason for 503."""
    database = question(_ask_database)
    workers = question(_ask_workers)
    sandbox = question(_ask_sandbox)
    latest = time.monotonic() + PATIENCE
    reasons = {
        **database.reasons("database", latest),
        **workers.reasons("broker", latest),
        **sandbox.reasons("sandbox", latest),
    }
    facts = {**database.facts, **workers.facts}
    if "broker" not in reasons and not facts.get("workers"):
        reasons["worker"] = "no worker was seen lately"
    if settings.EMBEDDED and facts.get("demo_accounts") is False:
        reasons["demo"] = "the demo accounts are not there yet"
    body = {"status": "unready" if reasons else "ready", "reasons": reasons, **facts}
    return JsonResponse(body, status=503 if reasons else 200)


class Question:
    """One part of the system, asked in a thread that is left behind if nothing answers."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self.facts: dict[str, Any] = {}
        self._ask = ask
        self._problem = ""
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def reasons(self, part: str, latest: float) -> dict[str, str]:
        """Why this part is not ready, or nothing; waits until `latest` on the monotonic clock."""
        self._thread.join(max(0.0, latest - time.monotonic()))
        if self._thread.is_alive():
            return {part: "no answer yet"}
        return {part: self._problem} if self._problem else {}

    def _answer(self) -> None:
        try:
            self.facts = self._ask()
        except Exception as error:
            # The class only: messages of drivers hold addresses, and this page asks for no sign-in.
            self._problem = type(error).__name__
        finally:
            with _lock:
                del _under_way[self._ask.__name__]


_lock = threading.Lock()
_under_way: dict[str, Question] = {}


def question(ask: Callable[[], dict[str, Any]]) -> Question:
    """Ask; or, while an earlier question to the same part waits for its answer, wait with it.

    A part that answers nobody so holds one thread, and two who ask at once are told the same.
    """
    with _lock:
        if ask.__name__ not in _under_way:
            _under_way[ask.__name__] = Question(ask)
        return _under_way[ask.__name__]


def _ask_database() -> dict[str, Any]:
    try:
        facts: dict[str, Any] = {"oldest_due_seconds": selectors.oldest_due_age()}
        if settings.EMBEDDED:
            names = ("viewer", "operator", "admin")
            found = get_user_model().objects.filter(username__in=names).count()
            facts["demo_accounts"] = found == len(names)
        return facts
    finally:
        connection.close()  # this thread's own


def _ask_sandbox() -> dict[str, Any]:
    """The stand-in for the providers, which is ours to start; a real provider is not asked."""
    if settings.EMBEDDED and settings.TEXTS.base_url:
        with urllib.request.urlopen(settings.TEXTS.base_url + "/healthz", timeout=1):  # noqa: S310
            pass
    return {}


_seen: dict[str, float] = {}  # worker -> when, on the monotonic clock of this process


def _ask_workers() -> dict[str, Any]:
    now = time.monotonic()
    _seen.update({worker.name: now for worker in heartbeats.workers()})
    return {"workers": sorted(name for name, at in _seen.items() if now - at < SEEN_FOR)}
