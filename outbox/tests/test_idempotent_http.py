"""The answer commits with the effect, or neither does."""

import json
import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.client import encode_multipart

from outbox.idempotent_http import Answer, idempotent_post
from outbox.models import StoredAnswer
from outbox.tests.test_keys import in_thread


class Caller:
    def __init__(self, pk: int | None) -> None:
        self.pk = pk


@pytest.fixture
def view(ledger: Any) -> Any:
    @idempotent_post
    def add(request: HttpRequest) -> Answer:
        ledger.add(json.loads(request.body)["what"])
        return 201, {"id": len(ledger.all())}

    return add


def post(
    view: Any, what: str = "x", key: str | None = "k", user: int | None = 1, path: str = "/a"
) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    request = RequestFactory().post(
        path, json.dumps({"what": what}), content_type="application/json", headers=headers
    )
    request.user = Caller(user)  # type: ignore[assignment]
    response: HttpResponse = view(request)
    return response.status_code, json.loads(response.content), response.headers


def test_a_repeated_request_is_answered_from_the_store(view: Any, ledger: Any) -> None:
    first, again = post(view), post(view)
    assert first[:2] == (201, {"id": 1})
    assert again[:2] == (200, {"id": 1})
    assert "Idempotent-Replayed" not in first[2]
    assert again[2]["Idempotent-Replayed"] == "true"
    assert ledger.all() == ["x"]


def test_another_body_under_the_same_key_is_refused(view: Any, ledger: Any) -> None:
    post(view, "x")
    assert post(view, "y")[0] == 422
    assert ledger.all() == ["x"]


@pytest.mark.parametrize("key", [None, "", " ", "x" * 201, "schlüssel"])
def test_a_missing_or_odd_key_is_refused(view: Any, ledger: Any, key: str | None) -> None:
    status, body, _ = post(view, key=key)
    assert (status, ledger.all()) == (400, [])
    assert "Idempotency-Key" in body["error"]["message"]


def send_form(view: Any, what: str, photo: str, boundary: str = "BoUnDaRy") -> Any:
    """A form as browsers send it, whose token Django's CSRF protection has looked for."""
    file = SimpleUploadedFile("photo.png", photo.encode(), "image/png")
    body = encode_multipart(boundary, {"what": what, "photo": file})
    request = RequestFactory().post(
        "/a", body, f"multipart/form-data; boundary={boundary}", headers={"Idempotency-Key": "k"}
    )
    request.user = Caller(1)  # type: ignore[assignment]
    request.POST.get("csrfmiddlewaretoken")
    response: HttpResponse = view(request)
    return response.status_code


def test_a_form_with_files_is_answered_once(ledger: Any) -> None:
    @idempotent_post
    def add(request: HttpRequest) -> Answer:
        photo = request.FILES["photo"]
        ledger.add(f"{request.POST['what']} {photo.read().decode()}")  # type: ignore[union-attr]
        return 201, {}

    sent = [("x", "png"), ("x", "png"), ("y", "png"), ("x", "gif")]
    assert [send_form(add, *one) for one in sent] == [201, 200, 422, 422]
    assert send_form(add, "x", "png", boundary="another") == 200
    assert ledger.all() == ["x png"]


def test_a_view_may_read_the_body_as_a_stream(ledger: Any) -> None:
    @idempotent_post
    def add(request: HttpRequest) -> Answer:
        ledger.add(json.load(request)["what"])
        return 201, {}

    assert [post(add, what)[0] for what in ("x", "x", "y")] == [201, 200, 422]
    assert ledger.all() == ["x"]


def test_keys_belong_to_their_user_and_endpoint(view: Any, ledger: Any) -> None:
    assert post(view)[0] == post(view, user=2)[0] == post(view, path="/b")[0] == 201
    assert len(ledger.all()) == 3


def test_strangers_share_no_keys(view: Any, ledger: Any) -> None:
    """They would read each other's answers."""
    status, body, _ = post(view, user=None)
    assert (status, body["error"]["code"], ledger.all()) == (401, "not_signed_in", [])


@pytest.mark.parametrize("path", ["/" + "a" * 200, "/a%00b", "/a%0Ab"])
def test_a_path_that_no_answer_can_be_stored_for_is_refused(
    view: Any, ledger: Any, path: str
) -> None:
    status, body, _ = post(view, path=path)
    assert (status, body["error"]["code"], ledger.all()) == (400, "path_invalid", [])


def test_an_exception_stores_nothing_and_undoes_everything(ledger: Any) -> None:
    @idempotent_post
    def fail(request: HttpRequest) -> Answer:
        ledger.add("half")
        raise LookupError

    with pytest.raises(LookupError):
        post(fail)
    assert (ledger.all(), StoredAnswer.objects.count()) == ([], 0)


def test_while_the_first_is_running_the_second_is_told_to_come_again(ledger: Any) -> None:
    answers: list[Any] = []

    @idempotent_post
    def slow(request: HttpRequest) -> Answer:
        thread = in_thread(lambda: answers.append(post(slow)))
        thread.join(10)
        ledger.add("x")
        return 201, {}

    assert post(slow)[0] == 201
    assert answers[0][0] == 409
    assert answers[0][2]["Retry-After"] == "1"
    assert ledger.all() == ["x"]


def test_a_request_that_was_killed_leaves_nothing_that_says_running(ledger: Any) -> None:
    deaths: list[int] = []

    @idempotent_post
    def die_once(request: HttpRequest) -> Answer:
        ledger.add("x")
        if not deaths:
            deaths.append(1)
            ledger.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return 201, {}

    def first() -> None:
        with pytest.raises(Exception, match=r"terminating|closed"):
            post(die_once)

    in_thread(first).join(10)
    assert post(die_once)[0] == 201
    assert ledger.all() == ["x"]


def test_requests_at_once_have_one_effect(view: Any, ledger: Any) -> None:
    barrier, statuses = threading.Barrier(8), []

    def press() -> None:
        barrier.wait(10)
        statuses.append(post(view)[0])

    for thread in [in_thread(press) for _ in range(8)]:
        thread.join(10)
    assert ledger.all() == ["x"]
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 409}
    assert connection.in_atomic_block is False
