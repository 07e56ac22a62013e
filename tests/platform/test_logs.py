"""Log lines: JSON, tied together by ids, and without secrets or phone numbers."""

import json
import logging
import urllib.request
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from django.conf import settings

from config.redaction import REDACTED, redact_event, redact_text
from tests.stack import Stack


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the handler of settings.LOGGING would write."""
    options = settings.LOGGING["formatters"]["json"]
    formatter = options["()"](**{key: value for key, value in options.items() if key != "()"})
    handler = logging.StreamHandler(stream := StringIO())
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def _lines(written: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


class TestLines:
    def test_extra_of_a_plain_logger_becomes_fields(self, written: StringIO) -> None:
        extra = {"message_id": "m-1", "handler": "pricing.apply_reduction", "attempt": 2}
        logging.getLogger("outbox.consumer").info("effect applied", extra=extra)
        (line,) = _lines(written)
        assert extra.items() <= line.items()
        assert line["event"] == "effect applied"
        assert line["level"] == "info"
        assert line["logger"] == "outbox.consumer"
        assert str(line["timestamp"]).endswith("Z")

    def test_what_is_bound_to_the_context_is_in_every_line(self, written: StringIO) -> None:
        with structlog.contextvars.bound_contextvars(operation_id="o-1", task_id="t-1"):
            logging.getLogger("pricing").warning("price %s", "kept")
            structlog.get_logger("pricing").info("the same from structlog", key="k-1")
        plain, ours = _lines(written)
        assert plain["event"] == "price kept"
        assert plain["operation_id"] == ours["operation_id"] == "o-1"
        assert ours["key"] == "k-1"

    def test_an_exception_stays_on_one_line(self, written: StringIO) -> None:
        try:
            raise ValueError("first\nsecond")
        except ValueError:
            logging.getLogger("pricing").exception("failed")
        (line,) = _lines(written)
        assert "ValueError" in str(line["exception"])

    def test_what_a_user_sends_cannot_forge_a_line(self, written: StringIO) -> None:
        logging.getLogger("pricing").info('x"}\n{"event": "forged"}')
        (line,) = _lines(written)
        assert "forged" in str(line["event"])

    def test_secrets_do_not_get_in(self, written: StringIO) -> None:
        extra = {"api_key": "sk_live_1", "to_phone": "5550100", "headers": {"Cookie": "c"}}
        logging.getLogger("credits").info("sent to %s", "+1 (555) 010-0123", extra=extra)
        text = written.getvalue()
        for secret in ("sk_live_1", "5550100", '"c"', "010-0123"):
            assert secret not in text


@pytest.mark.parametrize(
    "number", ["+15005550006", "+49 171 1234567", "+1 (500) 555-0006", "+44.20.7946.0958"]
)
def test_a_phone_number_is_redacted_as_people_write_it(number: str) -> None:
    assert redact_text(f"text to {number} failed") == f"text to {REDACTED} failed"


@pytest.mark.parametrize(
    "text",
    [
        "01a200f3-cc9c-7262-a861-a81ea044a332",
        "2026-11-22T01:57:24.347736+00:00",
        "1 + 12345678",
        "price 1234567.89",
        "order:1234567890:ship",
    ],
)
def test_ids_times_and_amounts_stay(text: str) -> None:
    assert redact_text(text) == text


def test_a_password_in_an_address_is_redacted() -> None:
    redacted = redact_text("redis://:hunter2@127.0.0.1:6379/0 and postgres://me:pw@db/x")
    assert redacted == f"redis://:{REDACTED}@127.0.0.1:6379/0 and postgres://me:{REDACTED}@db/x"


def test_lists_and_nested_fields_are_redacted() -> None:
    event = redact_event(None, "info", {"a": ["+15005550006"], "b": {"token": "t"}, "n": 1})
    assert event == {"a": [REDACTED], "b": {"token": REDACTED}, "n": 1}


def test_a_worker_and_the_web_write_nothing_but_json(stack: Stack) -> None:
    worker, web = stack.worker(), stack.web()
    with urllib.request.urlopen(f"{web.address}/accounts/sign-in/") as answer:
        assert answer.status == 200
    for log in (worker.log, web.log):
        lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
        assert lines
        assert all(json.loads(line)["process"] for line in lines)
