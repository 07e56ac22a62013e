"""A client knows only what it was told: half an answer is none."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chaos import client as client_module
from chaos.client import Client
from chaos.journal import Answer, Journal

WHOLE = b'HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{"id":"a1"}'
HALF = b"HTTP/1.1 201 Created\r\n"
IN_TROUBLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
STILL_RUNNING = (
    b'HTTP/1.1 409 Conflict\r\nContent-Length: 41\r\n\r\n{"error": {"code":"request_in_progress"}}'
)
TOO_LATE = (
    b"HTTP/1.1 409 Conflict\r\nContent-Length: 30\r\n\r\n" + b'{"error": {"code":"conflict"}}'
)
DICE = random.Random(1)  # noqa: S311
REFUSED = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(*answers: bytes) -> Iterator[str]:
    """Answers one connection after the other, and closes each."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "IMPATIENT", 0.0)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((WHOLE,), Answer.ACCEPTED),
        ((b"", WHOLE), Answer.ACCEPTED),
        ((HALF, WHOLE), Answer.ACCEPTED),
        ((IN_TROUBLE, WHOLE), Answer.ACCEPTED),
        ((REFUSED,), Answer.REFUSED),
        ((b"", REFUSED), Answer.REFUSED),
        ((STILL_RUNNING, WHOLE), Answer.ACCEPTED),
        ((TOO_LATE,), Answer.REFUSED),
    ],
)
def test_it_asks_until_it_has_a_whole_answer(answers: tuple[bytes, ...], expected: Answer) -> None:
    request = Journal().begin(1, "order", "/", {}, "mark")
    with server(*answers) as address:
        Client([address], "token").send(request, DICE)
    assert request.answer is expected
    assert request.sent == len(answers)
    assert request.id == ("a1" if expected is Answer.ACCEPTED else "")
    codes = {TOO_LATE: "conflict", REFUSED: "422"}
    assert request.refusal == codes.get(answers[-1], ""), "its code, else its status"


def test_an_impatient_one_leaves_without_knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "IMPATIENT", 1.0)
    request = Journal().begin(1, "order", "/", {}, "mark")
    with server(HALF) as address:
        Client([address], "token").send(request, DICE)
    assert (request.answer, request.sent) == (Answer.INDETERMINATE, 1)


def test_a_probe_is_never_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would leave whenever a fault is felt, and tell nothing of it."""
    monkeypatch.setattr(client_module, "IMPATIENT", 1.0)
    probe = Journal().begin(1, "probe", "/", {}, "mark")
    with server(HALF, WHOLE) as address:
        Client([address], "token").send(probe, DICE, patient=True)
    assert (probe.answer, probe.sent) == (Answer.ACCEPTED, 2)


def test_no_patience_lasts_for_ever() -> None:
    request = Journal().begin(1, "order", "/", {}, "mark")
    with server(IN_TROUBLE) as address:
        Client([address], "token", patience=0).send(request, DICE)
    assert request.answer is Answer.INDETERMINATE
