"""Guards that another one stands behind: each is asked for by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from twilio.request_validator import RequestValidator

import outbox
from credits import evidence, ledger, providers, services
from credits.models import Campaign, Community, DailyCount, TextMessage
from credits.quota import daily
from credits.services import send, start
from outbox.models import Message
from sandbox.control import Control
from tests.credits import world
from tests.credits.test_evidence import claim, look_at
from tests.credits.world import balance, make_community, member, only_text, states, waiting, work
from tests.pricing.threads import behind

pytestmark = pytest.mark.django_db(transaction=True)
SID = "SM" + "0" * 32


@pytest.fixture
def campaign() -> Campaign:
    """One text to one member."""
    make_community(credits=5, members=1)
    return world.start()


@pytest.fixture
def attempt(campaign: Campaign) -> send.Attempt:
    """Its text is being sent, by somebody who has not come back yet."""
    return claim(only_text())


def drive(campaign: Campaign, turn: int | None = None) -> None:
    services.drive_campaign(campaign_id=str(campaign.pk), turn=turn or campaign.turn)


# The ledger --------------------------------------------------------------------------------------


def test_no_more_is_taken_than_is_held(campaign: Campaign) -> None:
    with pytest.raises(RuntimeError, match="holds less"):
        ledger.capture(community_id=campaign.community_id, amount=2)
    with pytest.raises(RuntimeError, match="holds less"):
        ledger.add(community_id=0, amount=1)
    assert balance() == (4, 1)


def test_too_few_credits_for_one_are_told_where_what_fits_is_asked_for() -> None:
    make_community(members=2)
    with pytest.raises(services.TooFewCredits) as refusal:
        world.start(shortfall="send_what_fits")
    assert refusal.value.missing == 1


def test_where_credits_change_again_and_again_the_row_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_community(credits=3, members=9)
    real = start._credits

    def stale(payer: Community, *, held: bool) -> int:
        return real(payer, held=held) + (0 if held else 1)

    monkeypatch.setattr(start, "_credits", stale)
    assert world.start(shortfall="send_what_fits").texts.count() == 3
    assert balance() == (0, 3)


# The day's cap -----------------------------------------------------------------------------------


def test_a_cap_of_zero_lets_nothing_out(sandbox: Control) -> None:
    make_community(credits=5, members=2, daily_cap=0)
    community = Community.objects.get()
    assert daily.take(community) is None
    Community.objects.update(daily_cap=1)
    community.refresh_from_db()
    assert [daily.take(community) is None for _ in range(2)] == [False, True]


def test_what_was_not_counted_is_not_given_back() -> None:
    community = make_community()
    day = timezone.now().date()
    DailyCount.objects.create(community=community, day=day, texts=1)
    for _ in range(2):
        daily.give_back(community.pk, day)
    assert DailyCount.objects.get().texts == 0


def test_a_driver_hands_out_no_more_than_the_cap_lets_out() -> None:
    make_community(credits=9, members=3, daily_cap=2)
    campaign = world.start()
    drive(campaign)
    assert waiting("credits.send_text") == 2
    assert TextMessage.objects.filter(handed_at=None).count() == 1


def counted_yesterday(campaign: Campaign) -> TextMessage:
    """Its text was counted yesterday, put off by the provider, and is handed out today."""
    day = timezone.now().date() - timedelta(days=1)
    DailyCount.objects.create(community_id=campaign.community_id, day=day, texts=1)
    TextMessage.objects.update(counted_on=day, handed_at=timezone.now())
    return only_text()


def test_a_place_of_yesterday_is_exchanged_for_one_of_today() -> None:
    make_community(credits=5, members=1, daily_cap=1)
    claim(counted_yesterday(world.start()))

    assert only_text().counted_on == timezone.now().date()
    assert list(DailyCount.objects.order_by("day").values_list("texts", flat=True)) == [0, 1]


def test_a_place_of_yesterday_is_none_under_the_cap_of_today() -> None:
    make_community(credits=5, members=1, daily_cap=1)
    text = counted_yesterday(world.start())
    assert daily.take(Community.objects.get())
    with transaction.atomic():
        assert send._claim(text.pk) is None

    assert (only_text().state, only_text().counted_on, only_text().handed_at) == (
        "queued",
        None,
        None,
    )
    assert list(DailyCount.objects.order_by("day").values_list("texts", flat=True)) == [0, 1]


def test_who_has_a_place_of_today_is_handed_out_though_the_cap_is_reached() -> None:
    make_community(credits=9, members=3, daily_cap=1)
    campaign = world.start()
    placed = campaign.texts.latest("pk")
    TextMessage.objects.filter(pk=placed.pk).update(counted_on=daily.take(campaign.community))
    drive(campaign)

    assert waiting("credits.send_text") == 1
    assert TextMessage.objects.get(handed_at__isnull=False) == placed


# A claim, and the call ---------------------------------------------------------------------------


def test_a_second_delivery_finds_it_claimed_and_is_done(sandbox: Control) -> None:
    make_community(credits=5, members=1)
    world.start()
    work()
    with transaction.atomic():
        outbox.enqueue("credits.send_text", args={"text_id": only_text().pk})
    work()
    ends = Message.objects.filter(handler="credits.send_text").values_list("state", "attempts")
    assert set(ends) == {("done", 1)}


def test_what_changed_while_it_was_held_is_not_claimed(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read without its lock: the guarded update notices."""
    with transaction.atomic():
        stale = send._held(only_text().pk)
    with transaction.atomic():
        evidence.skipped(send._held(stale.pk), reason="test")
    monkeypatch.setattr(send, "_held", lambda _: stale)
    with pytest.raises(RuntimeError, match="changed while it was held"), transaction.atomic():
        send._claim(stale.pk)
    assert only_text().state == "skipped"


def test_after_the_deadline_nothing_is_claimed(campaign: Campaign, sandbox: Control) -> None:
    drive(campaign)
    Campaign.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    work("credits.send_text")
    assert (only_text().attempts, only_text().handed_at) == (0, None)


def test_an_earlier_attempt_makes_no_call(attempt: send.Attempt, sandbox: Control) -> None:
    """Its sender was frozen; meanwhile the text was given to another one."""
    TextMessage.objects.update(state="queued")
    claim(only_text())
    send._make_call(attempt)
    assert sandbox.requests("sms") == []


def test_a_text_that_is_not_being_sent_any_more_is_not_called(
    attempt: send.Attempt, sandbox: Control
) -> None:
    TextMessage.objects.update(state="unknown")
    send._make_call(attempt)
    assert sandbox.requests("sms") == []


@pytest.mark.parametrize(
    "outcome", [providers.Refused("no", providers.UNSUBSCRIBED), providers.Postponed("429")]
)
def test_a_no_after_the_proof_moves_nothing(
    attempt: send.Attempt, outcome: providers.Outcome
) -> None:
    services.receive_callback(token=attempt.token, sid=SID, status="sent")
    send.record(attempt, outcome)
    assert only_text().state == "sent"
    assert member().opted_out_at is None
    assert balance() == (4, 0)


def test_a_doubt_is_raised_once(attempt: send.Attempt) -> None:
    send.record(attempt, providers.Unknown("5xx"))
    looks, lease = waiting("credits.settle_text"), only_text().lease_until
    send.record(attempt, providers.Unknown("5xx"))
    assert (waiting("credits.settle_text"), only_text().lease_until) == (looks, lease)


def test_a_message_that_dies_leaves_an_open_outcome_open(attempt: send.Attempt) -> None:
    with transaction.atomic():
        services.abandon_text({"text_id": attempt.text_id}, "dead", "ValueError")
    assert only_text().state == "sending"
    assert balance() == (4, 1)


# Settling ----------------------------------------------------------------------------------------


def test_within_the_lease_nobody_looks(attempt: send.Attempt, sandbox: Control) -> None:
    look_at(only_text(), look=1)
    assert only_text().state == "sending"
    assert sandbox.requests("sms") == []
    assert waiting("credits.settle_text") == 2


def test_nothing_is_sent_again_for_an_ended_campaign(sandbox: Control) -> None:
    make_community(credits=5, members=1, unknown_policy="resend")
    campaign = world.start()
    sandbox.force("sms", "error_before", operation="create")
    send._make_call(claim(only_text()))
    services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    work()
    assert only_text().state == "failed"
    assert balance() == (5, 0)


@pytest.mark.parametrize(("status", "left"), [("sent", 3), ("failed", 4)])
def test_an_id_that_another_text_has_is_not_taken_again(status: str, left: int) -> None:
    """A listing took two equal texts for each other; the callback then tells whose it is."""
    make_community(credits=5, members=1)
    first, second = (claim(world.start().texts.get()) for _ in range(2))
    send.record(first, providers.Accepted(SID))
    assert services.receive_callback(token=second.token, sid=SID, status=status)
    assert list(TextMessage.objects.order_by("pk").values_list("state", "sid")) == [
        ("sent", SID),
        (status, None),
    ]
    assert balance() == (left, 0)


# Callbacks and evidence --------------------------------------------------------------------------


def test_a_failure_of_another_id_takes_nothing_back(attempt: send.Attempt) -> None:
    services.receive_callback(token=attempt.token, sid=SID, status="sent")
    services.receive_callback(token=attempt.token, sid="SM" + "1" * 32, status="failed")
    assert only_text().state == "sent"
    assert balance() == (4, 0)


def test_what_is_settled_is_not_skipped(attempt: send.Attempt) -> None:
    send.record(attempt, providers.Accepted(SID))
    with transaction.atomic():
        evidence.skipped(send._held(attempt.text_id), reason="the campaign ended")
    assert only_text().state == "sent"
    assert balance() == (4, 0)


def test_without_a_secret_no_callback_is_believed(client: Any, settings: Any) -> None:
    settings.TEXTS = replace(settings.TEXTS, secret="")
    address, fields = f"/callbacks/texts/{uuid4()}/", {"MessageSid": SID, "MessageStatus": "sent"}
    signature = RequestValidator("").compute_signature(f"http://testserver{address}", fields)
    answer = client.post(address, fields, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403


# The driver, and who controls it -----------------------------------------------------------------


def test_only_the_latest_turn_goes_on(campaign: Campaign) -> None:
    services.pause_campaign(campaign_id=campaign.pk)
    services.resume_campaign(campaign_id=campaign.pk)
    looks = waiting("credits.drive_campaign")
    drive(campaign, turn=1)
    assert only_text().handed_at is None
    assert waiting("credits.drive_campaign") == looks


def test_an_ended_campaign_begins_a_turn_of_its_own(campaign: Campaign) -> None:
    services.cancel_campaign(campaign_id=campaign.pk, actor="anna")
    drive(campaign, turn=1)
    assert states(campaign) == {"queued": 1}
    work("credits.drive_campaign")
    assert states(campaign) == {"skipped": 1}


def cancel(campaign: Campaign) -> Callable[[], object]:
    return lambda: services.cancel_campaign(campaign_id=campaign.pk, actor="anna")


def test_a_driver_and_a_cancel_take_turns(campaign: Campaign) -> None:
    behind(lambda: drive(campaign), cancel(campaign))
    campaign.refresh_from_db()
    assert campaign.status == "cancelled"


def test_a_driver_that_comes_behind_a_cancel_hands_nothing_out(campaign: Campaign) -> None:
    behind(cancel(campaign), lambda: drive(campaign))
    assert only_text().handed_at is None
