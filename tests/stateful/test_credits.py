"""Credits: buy, start, send, lose replies, hear callbacks, settle, cancel, in any order.

After each act the community's row, its ledger, its texts, the day's count and the provider's own
log agree with a few plain numbers, and nobody was texted twice. In the end nothing is held.
"""

from collections import Counter
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

import outbox
from credits import services, sums
from credits.models import Campaign, DailyCount, Finding, TextMessage
from credits.services import send
from outbox.models import Message
from tests.credits.world import work
from tests.stateful.credits_acts import People
from tests.stateful.credits_world import (
    FAULTS,
    STATUSES,
    end_lease,
    killed,
    provider,
    run,
    sid_of,
    token_of,
    waiting,
)
from tests.stateful.model_of_credits import OPEN, Text
from tests.stateful.profiles import Effort

SOME_FAULT = some.sampled_from(sorted(FAULTS))


class CreditsMachine(People):
    """The other half: drivers, senders that may die, the provider; what must be so after each."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[tuple[int, int, str, tuple[Any, ...]]] = []
        """Of senders that died: text, attempt, the fault that its call met, what it did not do."""

    @precondition(lambda self: self.books.batches)
    @rule(data=some.data())
    def drive(self, data: Any) -> None:
        name, batch = self.draw_batch(data)
        for message in waiting("credits.drive_campaign", campaign_id=str(self.campaign(name).pk)):
            current = message.args["turn"] == self.campaign(name).turn
            run(message)
            if current:
                self.books.drive(batch)

    @precondition(lambda self: any(text.handed for text in self.books.texts.values()))
    @rule(
        data=some.data(), fault=SOME_FAULT, dies=some.sampled_from(["", "", "_make_call", "record"])
    )
    def send(self, data: Any, fault: str, dies: str) -> None:
        """The message of a text: claim it, call, write down what came of it; or die in between."""
        message = data.draw(some.sampled_from(waiting("credits.send_text")))
        text_id = message.args["text_id"]
        text = self.books.texts[text_id]
        begins = self.books.begin(text)
        if begins and dies != "_make_call":
            self._meet(text, fault)
        with killed(dies) if dies else nullcontext([]) as lost:
            run(message)
        if begins and dies:
            self.lost.append((text_id, text.attempts, fault, lost[0]))
        elif begins:
            self.books.reply(text, FAULTS[fault][0], text.attempts)

    @precondition(lambda self: self.lost)
    @rule(data=some.data(), fault=SOME_FAULT)
    def thaw(self, data: Any, fault: str) -> None:
        """The sender was not dead but frozen, and does what it had not done yet."""
        lost = data.draw(some.sampled_from(self.lost))
        self.lost.remove(lost)
        text_id, attempt, met, arguments = lost
        text = self.books.texts[text_id]
        if len(arguments) == 2:
            send.record(*arguments)
            self.books.reply(text, FAULTS[met][0], attempt)
            return
        mine = text.state == "sending" and text.attempts == attempt
        if calls := mine and not text.batch.late:
            self._meet(text, fault)
        send._make_call(*arguments)
        self.books.reply(text, FAULTS[fault][0] if calls else "postponed", attempt)

    @precondition(lambda self: self._texts_in("sending", "unknown"))
    @rule(data=some.data(), over=some.booleans(), out_of_reach=some.booleans())
    def settle(self, data: Any, over: bool, out_of_reach: bool) -> None:
        """Look for a text in the provider's list, its lease over or not, the list there or not."""
        text_id = data.draw(some.sampled_from(self._texts_in("sending", "unknown")))
        text = self.books.texts[text_id]
        if over:
            end_lease(text_id)
        looks = over or text.state == "unknown"
        if looks and out_of_reach:
            provider[0].force("sms", "outage", operation="list")
        run(waiting("credits.settle_text", text_id=text_id)[0])
        if looks and not out_of_reach:
            self.books.settle(text)
        elif looks:
            text.state = "unknown"

    @precondition(lambda self: any(text.truth for text in self.books.texts.values()))
    @rule(data=some.data())
    def callback(self, data: Any) -> None:
        """What the provider may truly say, in any order, any number of times."""
        known = [number for number, text in self.books.texts.items() if text.truth]
        text_id = data.draw(some.sampled_from(known))
        text = self.books.texts[text_id]
        status = data.draw(some.sampled_from(STATUSES[text.truth]))
        news = services.receive_callback(
            token=token_of(text_id), sid=sid_of(text_id), status=status
        )
        assert news is (status not in text.told)
        if news:
            text.told.add(status)
            self.books.tell(text, status)

    @precondition(lambda self: any(text.handed for text in self.books.texts.values()))
    @rule(data=some.data())
    def a_person_cancels_a_message(self, data: Any) -> None:
        """At the outbox: its text has failed then, if it is still queued."""
        message = data.draw(some.sampled_from(waiting("credits.send_text")))
        with transaction.atomic():
            assert outbox.cancel(message.pk, reason="by hand")
        text = self.books.texts[message.args["text_id"]]
        if text.state == "queued":
            self.books.lose(text, "failed")

    # What must be so after each act --------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        texts = TextMessage.objects.filter(campaign__community__slug=self.slug)
        said = {text.pk: text.state for text in texts}
        assert said == {number: text.state for number, text in self.books.texts.items()}
        row = sums.of_community(self.slug)
        assert row is not None
        assert (row.credits, row.held) == (self.books.credits, self.books.held)
        assert (row.entries, row.open_texts) == (row.credits, row.held)
        assert not sums.has_differing_campaign(row.id)
        counted = DailyCount.objects.filter(community_id=row.id).values_list("texts", flat=True)
        assert sum(counted) == self.books.today <= (self.books.cap or self.books.today)
        assert not Finding.objects.filter(text__in=said).exists()

    @invariant()
    def the_provider_texted_nobody_twice(self) -> None:
        texts = TextMessage.objects.filter(campaign__community__slug=self.slug)
        out = [
            number for number, text in self.books.texts.items() if text.truth not in ("", "failed")
        ]
        log = Counter((one["to"], one["body"]) for one in provider[0].log("sms"))
        assert log == Counter((text.phone, text.body) for text in texts if text.pk in out)
        paid = {"sent", "delivered", *OPEN}
        assert all(self.books.texts[number].state in paid for number in out)

    @invariant()
    def somebody_will_go_on(self) -> None:
        """Whatever is not at its end has a message that sees to it."""
        drivers = {
            (one.args["campaign_id"], one.args["turn"]) for one in waiting("credits.drive_campaign")
        }
        senders = {one.args["text_id"] for one in waiting("credits.send_text")}
        settlers = {one.args["text_id"] for one in waiting("credits.settle_text")}
        for campaign in Campaign.objects.filter(community__slug=self.slug):
            queued = campaign.texts.filter(state="queued")
            if campaign.status == "running" or (campaign.finished_at and queued.exists()):
                assert (str(campaign.pk), campaign.turn) in drivers
        assert {number for number, text in self.books.texts.items() if text.handed} <= senders
        assert set(self._texts_in("sending", "unknown")) <= settlers

    def teardown(self) -> None:
        """What is still open is called off and settled: nothing is held any more."""
        if not hasattr(self, "slug"):
            return
        for name, batch in self.books.batches.items():
            if batch.is_open:
                services.cancel_campaign(campaign_id=self.campaign(name).pk, actor="test")
        for text_id in self._texts_in("sending"):
            end_lease(text_id)
        work()
        row = sums.of_community(self.slug)
        assert row is not None
        assert (row.credits, row.held) == (row.entries, 0)
        assert not Message.objects.filter(state="pending").exists()

    # ---------------------------------------------------------------------------------------------

    def _texts_in(self, *states: str) -> list[int]:
        return [number for number, text in self.books.texts.items() if text.state in states]

    def _meet(self, text: Text, fault: str) -> None:
        """The next call meets this fault; what becomes of the text then, the provider knows."""
        provider[0].reset("sms")
        if fault:
            provider[0].force("sms", fault, operation="create")
        text.truth = FAULTS[fault][1]


@pytest.mark.usefixtures("credits_world")
def test_credits_do_what_their_model_does() -> None:
    run_state_machine_as_test(CreditsMachine, settings=Effort(examples=30, acts=30).settings())
