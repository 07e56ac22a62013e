"""What workers and the provider do with texts: the second half of the machine in
test_credits.py that acts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import precondition, rule

import outbox
from credits import services
from credits.models import Campaign
from credits.services import send, settle
from outbox.models import Message
from tests.stateful import credits_tables as tables
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
from tests.stateful.model_of_credits import Text

SOME_FAULT = some.sampled_from(sorted(FAULTS))
DEATHS = some.sampled_from(["", "", "_make_call", "record"])
ENDS = ("looks", "looks", "out of reach", "dies")
Lost = tuple[int, int, str, tuple[Any, ...]]


class Workers(People):
    """Drivers, senders that may die, looks at the provider's list, its callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[Lost] = []
        """Of senders that died: text, attempt, the fault that its call met, what it did not do."""
        self.looks: list[tuple[int, int, Any]] = []
        """Of those that died before they looked: text, attempt, what they would have looked for."""

    @rule(data=some.data(), times=some.sampled_from([3, 6, 9]))
    def go_on(self, data: Any, times: int) -> None:
        """Whatever may come next comes: no example is left in which nobody sends anything."""
        for _ in range(times):
            if possible := self._possible():
                data.draw(some.sampled_from(possible))(data)

    def _possible(self) -> list[Callable[[Any], None]]:
        texts = self.books.texts.values()
        acts = {
            self._send: 4 * any(text.handed for text in texts),
            self._settle: bool(self.texts_in("sending", "unknown")),
            self.callback: any(text.truth for text in texts),
            self._thaw: bool(self.lost),
            self._look_late: bool(self.looks),
            self.drive: bool(self.looks_at_campaigns()),
        }
        return [act for act, weight in acts.items() for _ in range(weight)]

    def _send(self, data: Any) -> None:
        self.send(data, data.draw(SOME_FAULT), data.draw(DEATHS))

    def _settle(self, data: Any) -> None:
        self.settle(data, True, data.draw(some.sampled_from(ENDS)))

    def _thaw(self, data: Any) -> None:
        self.thaw(data, data.draw(SOME_FAULT))

    def _look_late(self, data: Any) -> None:
        self.look_late(data, False)

    @precondition(lambda self: self.looks_at_campaigns())
    @rule(data=some.data())
    def drive(self, data: Any) -> None:
        """One look at a campaign; one of an earlier turn looks at nothing."""
        self.drive_one(*data.draw(some.sampled_from(self.looks_at_campaigns())))

    def drive_one(self, message: Message, found: Campaign) -> None:
        run(message)
        if found.turn == message.args["turn"]:
            self.books.drive(self.batch_of(found))
        self.check()

    def looks_at_campaigns(self) -> list[tuple[Message, Campaign]]:
        """Not those whose time has surely not come: at a paused campaign, before its deadline."""
        campaigns = {str(one.pk): one for one in Campaign.objects.filter(community__slug=self.slug)}
        found = [
            (one, campaigns[one.args["campaign_id"]]) for one in waiting("credits.drive_campaign")
        ]
        return [
            (message, campaign)
            for message, campaign in found
            if campaign.turn != message.args["turn"]
            or campaign.status != "paused"
            or self.batch_of(campaign).late
        ]

    @precondition(lambda self: any(text.handed for text in self.books.texts.values()))
    @rule(data=some.data(), fault=SOME_FAULT, dies=DEATHS)
    def send(self, data: Any, fault: str, dies: str) -> None:
        """The message of a text: claim it, call, write down what came of it; or die in between."""
        self.send_one(data.draw(some.sampled_from(waiting("credits.send_text"))), fault, dies)

    def send_one(self, message: Message, fault: str, dies: str) -> None:
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
        self.check()

    @precondition(lambda self: self.lost)
    @rule(data=some.data(), fault=SOME_FAULT)
    def thaw(self, data: Any, fault: str) -> None:
        """The sender was not dead but frozen, and does what it had not done yet."""
        self.thaw_one(data.draw(some.sampled_from(self.lost)), fault)

    def thaw_one(self, lost: Lost, fault: str) -> None:
        self.lost.remove(lost)
        text_id, attempt, met, arguments = lost
        text = self.books.texts[text_id]
        if len(arguments) == 2:
            said = FAULTS[met][0]
            send.record(*arguments)
        else:
            mine = text.state == "sending" and text.attempts == attempt
            if calls := mine and not text.batch.late:
                self._meet(text, fault)
            said = FAULTS[fault][0] if calls else "postponed"
            send._make_call(*arguments)
        self.books.reply(text, said, attempt)
        self.check()

    @precondition(lambda self: self.texts_in("sending", "unknown"))
    @rule(
        data=some.data(), over=some.sampled_from([True, True, False]), end=some.sampled_from(ENDS)
    )
    def settle(self, data: Any, over: bool, end: str) -> None:
        """Look for a text in the provider's list, its lease over or not; or die before the look."""
        text_id = data.draw(some.sampled_from(self.texts_in("sending", "unknown")))
        self.settle_one(text_id, over=over, end=end)

    def settle_one(self, text_id: int, *, over: bool, end: str) -> None:
        text = self.books.texts[text_id]
        if over:
            end_lease(text_id)
        looks = over or text.state == "unknown"
        dies = killed("_look", settle) if end == "dies" else nullcontext([])
        with self._list_is(out_of_reach=looks and end == "out of reach"), dies as lost:
            run(waiting("credits.settle_text", text_id=text_id)[0])
        if looks and end == "looks":
            self.books.settle(text)
        elif looks:
            text.state = "unknown"
        self.looks += [(text_id, text.attempts, question) for (question,) in lost]
        self.check()

    @precondition(lambda self: self.looks)
    @rule(data=some.data(), out_of_reach=some.sampled_from([False, False, True]))
    def look_late(self, data: Any, out_of_reach: bool) -> None:
        """It was not dead but frozen, and looks now: what is settled by then stays so."""
        self.look(data.draw(some.sampled_from(self.looks)), out_of_reach=out_of_reach)

    def look(self, look: tuple[int, int, Any], *, out_of_reach: bool) -> None:
        self.looks.remove(look)
        text_id, attempt, question = look
        text = self.books.texts[text_id]
        with self._list_is(out_of_reach=out_of_reach):
            settle._look(question)
        if (text.state, text.attempts) == ("unknown", attempt) and not out_of_reach:
            self.books.settle(text)
        self.check()

    @precondition(lambda self: any(text.truth for text in self.books.texts.values()))
    @rule(data=some.data())
    def callback(self, data: Any) -> None:
        """What the provider may truly say, in any order, any number of times."""
        known = [number for number, text in self.books.texts.items() if text.truth]
        text_id = data.draw(some.sampled_from(known))
        text = self.books.texts[text_id]
        status = data.draw(some.sampled_from(STATUSES[text.truth]))
        sid = sid_of(text_id) or self._sid_not_recorded(text_id)
        news = services.receive_callback(token=token_of(text_id), sid=sid, status=status)
        assert news is (status not in text.told)
        if news:
            text.told.add(status)
            self.books.tell(text, status)
        self.check()

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

    # ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Within a rule, too: what comes next may hide what is wrong."""
        tables.check(self.slug, self.books)

    def texts_in(self, *states: str) -> list[int]:
        return [number for number, text in self.books.texts.items() if text.state in states]

    def _sid_not_recorded(self, text_id: int) -> str:
        """What the sender had in hand when it died."""
        outcomes = [more[1] for number, _, _, more in self.lost if number == text_id]
        return str(next(one.sid for one in outcomes if hasattr(one, "sid")))

    @contextmanager
    def _list_is(self, *, out_of_reach: bool) -> Iterator[None]:
        if out_of_reach:
            provider[0].force("sms", "outage", operation="list")
        yield
        provider[0].reset("sms")

    def _meet(self, text: Text, fault: str) -> None:
        """The next call meets this fault; what becomes of the text then, the provider knows."""
        provider[0].reset("sms")
        if fault:
            provider[0].force("sms", fault, operation="create")
        text.truth = FAULTS[fault][1]
