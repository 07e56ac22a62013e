"""Evidence that comes late, for two texts at once, or while somebody else decides."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from credits import evidence, providers, sending, services
from credits.models import Community, DailyCount, TextMessage
from credits.services import send, settle
from sandbox.control import Control
from tests.credits.world import (
    another_session,
    balance,
    make_community,
    only_text,
    start,
    states,
    waiting,
    work,
)
from tests.pricing.threads import behind

pytestmark = pytest.mark.django_db(transaction=True)


def claim(text: TextMessage) -> send.Attempt:
    """Claim a text, and do not call: as a process that is frozen or killed there."""
    with transaction.atomic():
        attempt = send._claim(text.pk)
    assert attempt
    return attempt


@pytest.fixture
def attempt() -> send.Attempt:
    make_community(credits=5, members=1)
    start()
    return claim(only_text())


@pytest.fixture
def earlier(attempt: send.Attempt) -> send.Attempt:
    """An attempt after which the text was sent again, as the community wishes it."""
    TextMessage.objects.update(state="queued")
    claim(only_text())
    return attempt


@pytest.mark.parametrize(
    "outcome", [providers.Refused("no"), providers.Postponed("429"), providers.Unknown("5xx")]
)
def test_what_an_earlier_attempt_says_moves_no_later_one(
    earlier: send.Attempt, outcome: providers.Outcome
) -> None:
    send.record(earlier, outcome)

    assert only_text().state == "sending"
    assert only_text().token != earlier.token
    assert balance() == (4, 1)


def test_a_look_for_an_earlier_attempt_settles_no_later_one(earlier: send.Attempt) -> None:
    TextMessage.objects.update(state="unknown")
    looked = settle.Question(
        text_id=earlier.text_id,
        token=earlier.token,
        phone=earlier.phone,
        body=earlier.body,
        since=timezone.now(),
        absence_counts=True,
        out_of_patience=True,
        look=1,
    )
    settle._record_listing(looked, [])
    settle._record_unlistable(looked, "out of reach")

    assert only_text().state == "unknown"


def test_one_listed_text_is_not_taken_for_two(sandbox: Control) -> None:
    """The same words to one number, twice, and both open: whose it is will be told by a callback;
    where none comes, the sums are right whoever gets it."""
    make_community(credits=5, members=1)
    first, second = start(), start()
    for campaign, fault in ((first, "reply_lost"), (second, "error_before")):
        sandbox.force("sms", fault, operation="create")
        send._make_call(claim(campaign.texts.get()))
    for campaign in (second, first):
        look_at(campaign.texts.get(), look=1)
    assert (states(first), states(second)) == ({"unknown": 1}, {"unknown": 1})

    for campaign in (second, first):
        look_at(campaign.texts.get(), look=settle.RIVALS_PATIENCE + 1)
    assert sorted([*states(first), *states(second)]) == ["failed", "sent"]
    assert balance() == (4, 0)


def test_a_listed_text_whose_call_is_being_made_is_nobody_elses(sandbox: Control) -> None:
    """One was not sent, and the list was out of reach for minutes; the other's reply is awaited."""
    lost, later = lost_and_later(sandbox, "error_before")
    attempt, reply = call_without_a_word(later)
    look_at(lost, look=settle.RIVALS_PATIENCE + 1)
    lost.refresh_from_db()
    assert lost.state == "unknown"

    send.record(attempt, reply)
    look_at(lost, look=settle.RIVALS_PATIENCE + 2)
    lost.refresh_from_db()
    assert (lost.state, TextMessage.objects.get(pk=later.pk).state) == ("failed", "sent")
    assert balance() == (4, 0)
    assert len(sandbox.log("sms")) == 1


def test_a_look_that_could_not_read_the_list_is_no_patience(sandbox: Control) -> None:
    lost, later = lost_and_later(sandbox, "error_before")
    sandbox.misbehave("sms", "outage", 100)
    for look in range(1, settle.RIVALS_PATIENCE + 1):
        look_at(lost, look=look)
    sandbox.reset("sms")
    sandbox.force("sms", "reply_lost", operation="create")
    send._make_call(claim(later))

    look_at(lost, look=settle.RIVALS_PATIENCE + 1)
    lost.refresh_from_db()
    assert lost.state == "unknown"
    look_at(lost, look=2 * settle.RIVALS_PATIENCE + 1)
    lost.refresh_from_db()
    assert lost.state == "sent"


def test_what_is_listed_much_later_is_another_text(sandbox: Control) -> None:
    lost, later = lost_and_later(sandbox, "error_before")
    then = timezone.now() - timedelta(hours=1)
    TextMessage.objects.filter(pk=lost.pk).update(sending_at=then, lease_until=then)
    call_without_a_word(later)
    TextMessage.objects.filter(pk=later.pk).update(state="queued")

    look_at(lost, look=1)
    lost.refresh_from_db()
    assert lost.state == "failed"


def lost_and_later(sandbox: Control, fault: str) -> tuple[TextMessage, TextMessage]:
    """A text whose outcome nobody knows, and another campaign's, of the same words and number."""
    make_community(credits=5, members=1)
    first, second = start(), start()
    sandbox.force("sms", fault, operation="create")
    send._make_call(claim(first.texts.get()))
    return first.texts.get(), second.texts.get()


def call_without_a_word(text: TextMessage) -> tuple[send.Attempt, providers.Outcome]:
    """Claim and send a text; what comes of it is not recorded yet."""
    attempt = claim(text)
    return attempt, providers.send(to=text.phone, body=text.body, callback="")


def look_at(text: TextMessage, look: int) -> None:
    with transaction.atomic():
        services.settle_text(text_id=text.pk, look=look)


def test_who_calls_can_be_seen_to_be_there(attempt: send.Attempt, monkeypatch: Any) -> None:
    seen = []

    def call(**_: str) -> providers.Outcome:
        with another_session() as other:
            seen.append(is_free(other, attempt))
        return providers.Accepted("SM1")

    monkeypatch.setattr(providers, "send", call)
    send._make_call(attempt)
    with another_session() as other:
        seen.append(is_free(other, attempt))

    assert seen == [False, True]


def is_free(session: Any, attempt: send.Attempt) -> bool:
    """Whether another session could take the lock that says who is there."""
    row = session.execute(
        "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"credits.sending:{attempt.token}"]
    )
    return bool(row.fetchone()[0])


def test_who_is_silent_for_too_long_is_waited_for_no_more(
    attempt: send.Attempt, sandbox: Control
) -> None:
    with another_session() as frozen:
        assert is_free(frozen, attempt)  # and takes it
        for gone in (timedelta(minutes=1), sending.LONGEST_PRESENCE):
            then = timezone.now() - gone
            TextMessage.objects.update(sending_at=then, lease_until=then)
            look_at(only_text(), look=1)
            expected = "unknown" if gone < sending.LONGEST_PRESENCE else "failed"
            assert only_text().state == expected


def test_a_callback_waits_for_who_gives_the_text_up(attempt: send.Attempt) -> None:
    def give_up() -> None:
        text = TextMessage.objects.locked().select_related("campaign").get()
        evidence.failed(text, reason="not in the list", by="listing")

    behind(
        give_up,
        lambda: services.receive_callback(token=attempt.token, sid="SM1", status="delivered"),
    )

    assert only_text().state == "failed"
    assert [one.kind for one in only_text().findings.all()] == ["sent_after_refund"]
    assert balance() == (5, 0)


def test_what_is_put_off_again_and_again_has_failed(sandbox: Control, monkeypatch: Any) -> None:
    monkeypatch.setattr(send, "MOST_ATTEMPTS", 2)
    sandbox.force("sms", "rate_limited", operation="create", times=9)
    make_community(credits=5, members=1)
    start()
    work()

    assert (only_text().state, only_text().attempts) == ("failed", 2)
    assert balance() == (5, 0)


def test_a_dead_driver_is_followed_by_another() -> None:
    make_community(credits=5, members=1)
    campaign = start()
    args = {"campaign_id": str(campaign.pk), "turn": campaign.turn}
    with transaction.atomic():
        services.abandon_driver(args, "dead", "ValueError")
        services.abandon_driver({**args, "turn": 0}, "dead", "a turn that no longer counts")

    assert waiting("credits.drive_campaign") == 2


def test_who_holds_the_community_and_fails_a_text_crosses_nobody_who_fails_another() -> None:
    """As a step of reconciliation does that has set a community's sums right just before."""
    make_community(credits=5, members=2, daily_cap=9)
    campaign = start()
    first, second = (claim(text) for text in campaign.texts.order_by("pk"))

    def fail(attempt: send.Attempt) -> None:
        send.record(attempt, providers.Refused("no"))

    behind(
        lambda: Community.objects.locked().get(),
        lambda: fail(second),
        while_blocked=lambda: fail(first),
    )

    assert states(campaign) == {"failed": 2}
    assert DailyCount.objects.get().texts == 0
    assert balance() == (5, 0)
