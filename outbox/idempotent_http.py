"""HTTP requests with an Idempotency-Key: the answer commits with the effect, or neither does."""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from outbox.models import StoredAnswer

Answer = tuple[int, dict[str, Any]]
LONGEST_KEY = 200
LONGEST_PATH = 200


def idempotent_post(view: Callable[..., Answer]) -> Callable[..., HttpResponse]:
    """Make a view that returns `(status, body)` answer each request once, however often it comes.

    A request without the header `Idempotency-Key` gets 400. The same key and body: the stored
    answer, with `Idempotent-Replayed: true`. The same key, another body: 422. While the first is
    still running: 409. A stored 201 is replayed as 200: it was created before, and not by this
    request. Keys belong to the signed-in user and the path; who is nobody gets 401, for two
    strangers with one key would read each other's answers. An exception of the view undoes
    everything and stores nothing, so the request may be sent again corrected.

    Once means: while the answer is kept, seven days unless `OUTBOX_RETENTION` says otherwise for
    `answers`. The same key after that is a new request. What must not happen twice even then needs
    a constraint of its own.

    A multipart form is parsed before the view, to be told from another: its view has `request.POST`
    and `request.FILES`, and no `request.body`.

    The view runs inside one transaction, whose first statement takes an advisory lock on the key:
    a killed request leaves nothing behind that says "running".
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "").strip()
        if problem := _problem_with(key):
            return _refusal(400, "idempotency_key_invalid", problem)
        scope, endpoint = str(request.user.pk), request.path
        if request.user.pk is None:
            return _refusal(401, "not_signed_in", "An Idempotency-Key belongs to a signed-in user.")
        if len(endpoint) > LONGEST_PATH or not endpoint.isprintable():
            return _refusal(400, "path_invalid", _ODD_PATH)
        body_hash = _hash(request)  # before the view, which may read the stream to its end
        with transaction.atomic():
            if not _lock(scope, endpoint, key):
                return _refusal(409, "request_in_progress", _IN_PROGRESS, {"Retry-After": "1"})
            stored = StoredAnswer.objects.filter(scope=scope, endpoint=endpoint, key=key).first()
            if stored is not None:
                return _replay(stored, body_hash)
            status, body = view(request, *args, **kwargs)
            plain = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
            StoredAnswer.objects.create(
                scope=scope,
                endpoint=endpoint,
                key=key,
                body_hash=body_hash,
                status=status,
                body=plain,
            )
        return JsonResponse(plain, status=status)

    return answer


_ODD_PATH = f"A path that answers are stored for has at most {LONGEST_PATH} printable characters."
_IN_PROGRESS = "A request with this Idempotency-Key is still running. Send it again in a moment."


def _problem_with(key: str) -> str:
    if not key:
        return "Send an Idempotency-Key header: a new random value, such as a UUID, per operation."
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        return f"An Idempotency-Key has at most {LONGEST_KEY} printable ASCII characters."
    return ""


def _lock(scope: str, endpoint: str, key: str) -> bool:
    """Try the key's lock; it falls with the transaction, whatever happens to this process.

    Two keys may share a lock by chance (64 bits): the second is told to come again.
    """
    name = "\x1f".join((scope, endpoint, key))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


def _replay(stored: StoredAnswer, body_hash: str) -> HttpResponse:
    if stored.body_hash != body_hash:
        return _refusal(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used with another body. Use a new key for a new operation.",
        )
    headers = {"Idempotent-Replayed": "true"}
    return JsonResponse(
        stored.body, status=200 if stored.status == 201 else stored.status, headers=headers
    )


def _hash(request: HttpRequest) -> str:
    """SHA-256 of what was sent."""
    if request.method == "POST" and request.content_type == "multipart/form-data":
        return _hash_of_form(request)
    return hashlib.sha256(request.body).hexdigest()


def _hash_of_form(request: HttpRequest) -> str:
    """Of its fields and files: its body has another boundary each time, and is gone where
    somebody, such as Django's CSRF protection, has looked for a field.
    """
    digest = hashlib.sha256(json.dumps(sorted(request.POST.lists())).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(json.dumps([name, file.name, file.size]).encode())
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)  # the view begins at its beginning
    return digest.hexdigest()


def _refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JsonResponse:
    return JsonResponse(
        {"error": {"code": code, "message": message}}, status=status, headers=headers
    )
