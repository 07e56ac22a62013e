"""A community, the real sandbox as its provider, and the messages that work for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from credits import providers
from credits.models import TextMessage
from credits.quota import rate
from credits.services import send
from outbox import dispatch, execution, handlers
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.tally import Tally
from sandbox.control import Control
from tests.sandbox.process import SandboxProcess
from tests.stateful.model_of_credits import MOST_ATTEMPTS

numbers = count()
"""Of communities: their ledgers are append-only, so each example has one of its own."""

provider: list[Control] = []
"""The sandbox of the test at hand."""

FAULTS = {
    # what the next call meets: (what its sender then says, what became of the text there)
    "": ("accepted", "delivered"),
    "failed": ("accepted", "failed"),
    "undelivered": ("accepted", "undelivered"),
    "refused": ("refused", ""),
    "rate_limited": ("postponed", ""),
    "error_before": ("unknown", ""),
    "outage": ("unknown", ""),
    "error_after": ("unknown", "delivered"),
    "reply_lost": ("unknown", "delivered"),
}
STATUSES = {
    "delivered": ("queued", "sent", "delivered"),
    "undelivered": ("sent", "undelivered"),
    "failed": ("failed",),
}
"""What callbacks may truly say."""


def waiting(handler: str, **args: Any) -> list[Message]:
    """A handler's messages with these arguments that wait, in order of their making.

    Ids of one millisecond are in no order; what is drawn must be the same each time.
    """
    named = {f"args__{name}": value for name, value in args.items()}
    found = Message.objects.filter(handler=handler, state="pending", **named)
    return sorted(found, key=lambda one: (one.created_at, one.args.get("text_id", 0)))


def run(message: Message) -> None:
    """Let its time have come, and run it and no other."""
    Message.objects.filter(pk=message.pk).update(due_at=message.created_at)
    tally = Tally()
    handler = handlers.get(message.handler)
    execution.run_first(handler, [message.pk], Delivery.here(), tally)
    assert (tally.done, tally.failed, tally.refused) == (1, 0, 0)


def end_lease(text_id: int) -> None:
    """Let a text's lease have run out long ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE credits_textmessage SET lease_until = now() - interval '1 hour'"
            " WHERE id = %s AND state = 'sending'",
            [text_id],
        )


@contextmanager
def killed(name: str, module: Any = send) -> Iterator[list[Any]]:
    """The worker dies where it would do this; yields the arguments of that."""
    lost: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, name, lambda *arguments: lost.append(arguments))
        yield lost


def sid_of(text_id: int) -> str:
    """The provider's id of a text that it has; empty where it gave it up, and we were not told."""
    text = TextMessage.objects.get(pk=text_id)
    listed = [one["sid"] for one in provider[0].log("sms") if is_it(one, text)]
    return text.sid or next(iter(listed), "")


def is_it(logged: dict[str, Any], text: TextMessage) -> bool:
    return (logged["to"], logged["body"]) == (text.phone, text.body)


def forget_messages() -> None:
    """Those of earlier examples."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("outbox_event", "outbox_run", "outbox_message"):
            cursor.execute(f"DELETE FROM {table}")


def token_of(text_id: int) -> UUID | None:
    return TextMessage.objects.values_list("token", flat=True).get(pk=text_id)


@pytest.fixture
def credits_world(
    transactional_db: None,
    stateful_sandbox: SandboxProcess,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> Iterator[None]:
    """The real client, pointed at the real sandbox; dispatches that nobody sends."""
    monkeypatch.setattr(dispatch, "send", lambda *_, **__: True)
    monkeypatch.setattr(send, "MOST_ATTEMPTS", MOST_ATTEMPTS)
    settings.TEXTS = replace(
        settings.TEXTS,
        account=stateful_sandbox.credentials.twilio_account_sid,
        secret=stateful_sandbox.credentials.twilio_auth_token,
        base_url=stateful_sandbox.url,
        per_second=100_000,
        timeout=60,  # however busy the machine is: no time-out is meant, and no lease runs out
        list_lag=0,
    )
    provider[:] = [stateful_sandbox.control]
    _forget_clients()
    yield
    _forget_clients()


def _forget_clients() -> None:
    for cached in (providers.client, rate._shared, rate._own):
        cached.cache_clear()
