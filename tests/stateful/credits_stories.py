"""What takes several acts in one order, about one text: the third part of the machine in
test_credits.py. Left to chance alone, such a sequence would come up in one example of a hundred."""

from typing import Any

from hypothesis import strategies as some
from hypothesis.stateful import initialize, rule

from tests.stateful.credits_work import DEATHS, SOME_FAULT, Lost, Workers
from tests.stateful.credits_world import waiting
from tests.stateful.model_of_credits import Batch, Text

STORIES = some.sampled_from(
    [
        "an_older_attempt_speaks_up",
        "it_ends_while_the_sender_sleeps",
        "it_ends_before_it_is_settled",
        "two_look_for_it",
    ]
)
UNHEARD = some.sampled_from(["error_before", "refused", "rate_limited", "outage"])
"""Faults of a call that leave nothing at the provider's."""

UNKNOWN = some.sampled_from(["error_before", "outage", "error_after", "reply_lost"])
SLEEPS = some.sampled_from(["_make_call", "record"])
ENDS = some.sampled_from(["cancelled", "late", "late while paused"])


class Stories(Workers):
    """Each example begins with some, and has further ones in between."""

    @initialize(
        data=some.data(),
        members=some.sampled_from([3, 2, 4, 1]),
        cap=some.sampled_from([None, 1, None, 2, None]),
        policy=some.sampled_from(["resend", "resend", "resend", "refund"]),
        funds=some.sampled_from([12, 4]),
        timed=some.sampled_from([True, True, False]),
        stories=some.lists(STORIES, min_size=2, max_size=3),
    )
    def begin(
        self,
        data: Any,
        members: int,
        cap: int | None,
        policy: str,
        funds: int,
        timed: bool,
        stories: list[str],
    ) -> None:
        self.found_a_community(members, cap, policy, funds, timed)
        if cap:  # while the day is new: nothing is handed out any more once it is full
            self.more_than_the_cap_is_handed_out(data)
        for story in stories:
            self.tell(data, story)

    @rule(data=some.data(), story=STORIES)
    def tell(self, data: Any, story: str) -> None:
        """One of these stories, as far as it is possible."""
        if not any(self._may_be_sent(text) for text in self.books.texts.values()):
            self.buy(4, None)
            self.start(cost=1, everybody=False, timed=data.draw(some.booleans()), key=None)
        getattr(self, story)(data)

    def an_older_attempt_speaks_up(self, data: Any) -> None:
        """Its text is on its way again by then: it may add evidence, and no more."""
        text_id = self._begin(data, data.draw(UNHEARD), data.draw(SLEEPS))
        if text_id is not None and (lost := self._asleep(text_id)):
            self.settle_one(text_id, over=True, end="looks")
            self._hand_out()
            self._begin(data, data.draw(SOME_FAULT), data.draw(DEATHS), text_id)
            self.thaw_one(lost, data.draw(SOME_FAULT))

    def it_ends_while_the_sender_sleeps(self, data: Any) -> None:
        text_id = self._begin(data, data.draw(SOME_FAULT), data.draw(SLEEPS))
        if text_id is not None and (lost := self._asleep(text_id)):
            self._end(self.books.texts[text_id].batch, data.draw(ENDS))
            self.thaw_one(lost, data.draw(SOME_FAULT))
            self._hand_out()

    def it_ends_before_it_is_settled(self, data: Any) -> None:
        text_id = self._begin(data, data.draw(UNKNOWN), data.draw(DEATHS))
        if text_id is not None and text_id in self.texts_in("sending", "unknown"):
            self._end(self.books.texts[text_id].batch, data.draw(ENDS))
            self._drive()
            self.settle_one(text_id, over=True, end="looks")

    def two_look_for_it(self, data: Any) -> None:
        """The first one looks last, and finds what the second has settled."""
        text_id = self._begin(data, data.draw(UNKNOWN), data.draw(DEATHS))
        if text_id is not None and text_id in self.texts_in("sending", "unknown"):
            self.settle_one(text_id, over=True, end="dies")
            look = self.looks[-1]
            self.settle_one(text_id, over=True, end="looks")
            self._hand_out()
            self.look(look, out_of_reach=False)

    def more_than_the_cap_is_handed_out(self, data: Any) -> None:
        """What was handed out and is not begun does not count yet: so it is, twice."""
        self._hand_out()
        self._hand_out()
        for message in waiting("credits.send_text"):
            self.send_one(
                message, data.draw(some.sampled_from(["", "", "error_after", "refused"])), ""
            )

    # ---------------------------------------------------------------------------------------------

    def _may_be_sent(self, text: Text) -> bool:
        return text.state == "queued" and text.batch.may_send and not text.person.opted_out

    def _begin(self, data: Any, fault: str, dies: str, text_id: int | None = None) -> int | None:
        """Send a text that may be sent; any, unless one is named. None where there is none."""
        self._hand_out()
        named = {} if text_id is None else {"text_id": text_id}
        found = [
            one
            for one in waiting("credits.send_text", **named)
            if self._may_be_sent(self.books.texts[one.args["text_id"]])
        ]
        if not found:
            return None
        message = data.draw(some.sampled_from(found))
        self.send_one(message, fault, dies)
        return int(message.args["text_id"])

    def _asleep(self, text_id: int) -> Lost | None:
        """Its latest sender, where that sleeps."""
        attempts = self.books.texts[text_id].attempts
        return next((one for one in self.lost if one[:2] == (text_id, attempts)), None)

    def _hand_out(self) -> None:
        """A look at each campaign that goes on, so that what may be sent is."""
        self._drive(only_running=True)

    def _drive(self, *, only_running: bool = False) -> None:
        for message, found in self.looks_at_campaigns():
            is_next = found.turn == message.args["turn"]
            if is_next and (self.batch_of(found).may_send or not only_running):
                self.drive_one(message, found)

    def _end(self, batch: Batch, how: str) -> None:
        """Or nearly so: where it has a deadline, that passes; else a person cancels."""
        name = self.name_of(batch)
        if not batch.is_open or batch.late:
            return
        if how == "cancelled" or not batch.has_deadline:
            self.control_one(name, batch, "cancel")
            return
        if how == "late while paused":
            self.control_one(name, batch, "pause")
        self.let_deadline_pass(name, batch)
