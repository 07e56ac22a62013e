"""A silent sender that is still there: absence from the provider's list proves nothing yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits import providers
from credits.models import TextMessage
from credits.services import send
from sandbox.control import Control
from tests.credits.test_send_text import claimed, work_off
from tests.credits.world import another_session, make_community, make_due, only_text, start, work

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held_by_its_sender(attempt: send.Attempt) -> Iterator[Any]:
    """The session of a sender that is there: it holds the attempt's advisory lock."""
    with another_session() as session:
        key = f"credits.sending:{attempt.token}"
        session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        yield session


def overdue() -> send.Attempt:
    """A text whose sender has been silent since its lease ran out."""
    make_community(credits=5, members=1)
    start()
    attempt = claimed()
    TextMessage.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    return attempt


def test_a_sender_that_is_there_keeps_its_text_from_being_given_up(sandbox: Control) -> None:
    """Frozen before its call, it may still make it: absence from the list proves nothing yet."""
    attempt = overdue()
    with held_by_its_sender(attempt):
        make_due()
        work_off("credits.settle_text")
        assert only_text().state == "unknown"
    work("credits.settle_text")
    assert only_text().state == "failed"


def test_a_sender_that_makes_its_call_behind_the_list_is_not_given_up(
    sandbox: Control, monkeypatch: Any
) -> None:
    """It thaws after the list was read, and is gone when what the list said is recorded."""
    attempt = overdue()
    find = providers.find
    with held_by_its_sender(attempt) as frozen:

        def find_and_let_go(**asked: Any) -> list[str]:
            found = list(find(**asked))
            providers.send(to=attempt.phone, body=attempt.body, callback="")
            frozen.execute("SELECT pg_advisory_unlock_all()")
            return found

        monkeypatch.setattr(providers, "find", find_and_let_go)
        make_due()
        work_off("credits.settle_text")
    monkeypatch.setattr(providers, "find", find)
    assert (only_text().state, len(sandbox.log("sms"))) == ("unknown", 1)
    work("credits.settle_text")
    assert only_text().state == "sent"


def test_after_a_sender_was_seen_the_lag_begins_anew(sandbox: Control, settings: Any) -> None:
    settings.TEXTS = replace(settings.TEXTS, list_lag=30)
    attempt = overdue()
    with held_by_its_sender(attempt):
        make_due()
        work_off("credits.settle_text")
    make_due()
    work_off("credits.settle_text")
    assert only_text().state == "unknown"
    TextMessage.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    make_due()
    work_off("credits.settle_text")
    assert only_text().state == "failed"
