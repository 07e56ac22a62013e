"""What people and time do to a community: the first half of the machine in test_credits.py."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from credits import services
from credits.inputs import InvalidInput
from credits.models import Campaign, Community, Member
from tests.credits.world import add_members, phone
from tests.stateful.credits_world import forget_messages, numbers, provider
from tests.stateful.model_of_credits import Batch, Books, Person, Text

KEYS = some.sampled_from([None, None, "k", "l"])


class People(RuleBasedStateMachine):
    """Buy, start, pause, resume, cancel, opt out and in; and deadlines that pass."""

    books: Books

    def found_a_community(
        self, members: int, cap: int | None, policy: str, funds: int, timed: bool
    ) -> None:
        """With a campaign, where there are credits: Hypothesis leaves rules out of an example."""
        forget_messages()
        provider[0].clear()
        self.slug = f"club-{next(numbers)}"
        self.campaigns: dict[object, UUID] = {}
        self.deadline = timezone.now() + timedelta(hours=1)
        services.create_community(slug=self.slug, name="Club", daily_cap=cap, unknown_policy=policy)
        add_members(self.slug, members)
        people = [Person(number) for number in range(1, members + 1)]
        self.books = Books(people, cap, resends=policy == "resend")
        if funds:
            self.buy(funds, None)
            self.start(cost=1, everybody=False, timed=timed, key=None)

    @rule(amount=some.sampled_from([1, 3, 8]), key=KEYS)
    def buy(self, amount: int, key: str | None) -> None:
        def buy() -> object:
            named = key and f"{self.slug} {key}"
            return services.buy_credits(slug=self.slug, amount=amount, actor="test", key=named)

        known = self.books.bought.get(key or "")
        if known not in (None, amount):
            with pytest.raises(services.KeyReused):
                buy()
            return
        buy()
        if known is None:
            self.books.credits += amount
            if key:
                self.books.bought[key] = amount

    @rule(cost=some.integers(1, 2), everybody=some.booleans(), timed=some.booleans(), key=KEYS)
    def start(self, cost: int, everybody: bool, timed: bool, key: str | None) -> None:
        name, asked = key or len(self.books.batches), (cost, everybody, timed)
        if known := self.books.batches.get(name):
            self._start_again(name, known, asked)
            return
        fits, missing = self.books.reached(cost, everybody)
        if all(one.opted_out for one in self.books.people):
            with pytest.raises(InvalidInput):
                self._start(name, asked)
        elif missing:
            with pytest.raises(services.TooFewCredits) as refusal:
                self._start(name, asked)
            assert refusal.value.missing == missing
        else:
            campaign, batch = self._start(name, asked), Batch(asked, timed)
            self.books.batches[name], self.campaigns[name] = batch, campaign.pk
            self.books.hold(cost * len(fits))
            rows = campaign.texts.order_by("pk").values_list("pk", "phone")
            assert [number for _, number in rows] == [phone(one.number) for one in fits]
            for (text_id, _), person in zip(rows, fits, strict=True):
                self.books.texts[text_id] = Text(batch, person, cost)

    def _start(self, name: object, asked: tuple[int, bool, bool]) -> Campaign:
        cost, everybody, timed = asked
        return services.start_campaign(
            actor="test",
            community=self.slug,
            text=f"{self.slug} {name}{'.' * (160 * (cost - 1))}",
            shortfall="refuse" if everybody else "send_what_fits",
            deadline=self.deadline if timed else None,
            key=f"{self.slug} {name}",
        )

    def _start_again(self, name: object, known: Batch, asked: tuple[int, bool, bool]) -> None:
        if known.late:  # its deadline was moved behind its back
            return
        if known.asked == asked:
            assert self._start(name, asked) == self.campaign(name)
        else:
            with pytest.raises(services.KeyReused):
                self._start(name, asked)

    @precondition(lambda self: self.books.batches)
    @rule(data=some.data(), act=some.sampled_from(["pause", "resume", "cancel"]))
    def control(self, data: Any, act: str) -> None:
        self.control_one(*self.draw_batch(data), act)

    def control_one(self, name: object, batch: Batch, act: str) -> None:
        becomes = {"pause": "paused", "resume": "running", "cancel": "cancelled"}[act]
        possible = batch.is_open or batch.status == becomes
        more = {"actor": "test"} if act == "cancel" else {}
        serve = getattr(services, f"{act}_campaign")
        if possible:
            serve(campaign_id=self.campaign(name).pk, **more)
            batch.status = becomes
        else:
            with pytest.raises(services.NotPossible):
                serve(campaign_id=self.campaign(name).pk, **more)

    @precondition(lambda self: self.books.batches)
    @rule(data=some.data())
    def a_deadline_passes(self, data: Any) -> None:
        self.let_deadline_pass(*self.draw_batch(data))

    def let_deadline_pass(self, name: object, batch: Batch) -> None:
        if batch.has_deadline:
            past = timezone.now() - timedelta(minutes=1)
            Campaign.objects.filter(pk=self.campaign(name).pk).update(deadline=past)
            batch.late = True

    @rule(data=some.data())
    def opt_out_or_in(self, data: Any) -> None:
        person = data.draw(some.sampled_from(self.books.people))
        member = Member.objects.get(community=self.community, phone=phone(person.number))
        serve = services.opt_in if person.opted_out else services.opt_out
        serve(member_id=member.pk)
        person.opted_out = not person.opted_out

    # ---------------------------------------------------------------------------------------------

    @property
    def community(self) -> Community:
        return Community.objects.get(slug=self.slug)

    def campaign(self, name: object) -> Campaign:
        """The campaign that a batch stands for."""
        return Campaign.objects.get(pk=self.campaigns[name])

    def batch_of(self, campaign: Campaign) -> Batch:
        """The batch that a campaign stands for."""
        names = {key: name for name, key in self.campaigns.items()}
        return self.books.batches[names[campaign.pk]]

    def name_of(self, batch: Batch) -> object:
        """The name that a batch has among the batches."""
        return next(name for name, one in self.books.batches.items() if one is batch)

    def draw_batch(self, data: Any) -> tuple[object, Batch]:
        name = data.draw(some.sampled_from(list(self.books.batches)))
        return name, self.books.batches[name]
