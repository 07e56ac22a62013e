"""What people and time do to messages: the first half of the machine in test_outbox.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import outbox
from outbox import pauses, retention
from tests.stateful.model_of_outbox import DONE, FAILS, FATAL, RULES, SNOOZE, Conflict, Known, Model
from tests.stateful.outbox_world import DECLARED, HOUR, UNIQUE, running, sql


@dataclass(frozen=True)
class Request:
    """What is asked of `enqueue`, and what the message's runs come to."""

    handler: str
    key: str | None
    variant: int
    unique: str
    group: str | None
    later: bool
    fates: tuple[str, ...]


REQUEST = some.builds(
    Request,
    handler=some.sampled_from(sorted(DECLARED)),
    key=some.sampled_from([None, "a", "b"]),
    variant=some.integers(0, 1),
    unique=some.sampled_from(RULES),
    group=some.sampled_from([None, "g"]),
    later=some.sampled_from([False, False, True]),
    fates=some.tuples(*[some.sampled_from([*FAILS, FATAL, SNOOZE, DONE])] * 3),
)


class Requests(RuleBasedStateMachine):
    """Enqueue, cancel, redrive, discard, pause; and whatever time brings."""

    def __init__(self) -> None:
        super().__init__()
        running[:] = [self]
        self.model = Model()
        self.killing = False
        self.runs = 0
        for table in ("run", "event", "idempotencykey", "pause", "group", "message"):
            sql(f"DELETE FROM outbox_{table}")
        sql("DELETE FROM stateful_effect")

    @initialize(requests=some.lists(REQUEST, min_size=3, max_size=6))
    def begin(self, requests: list[Request]) -> None:
        """Not left to a rule: Hypothesis leaves some out of each example, and that one may be."""
        for one in requests:
            self._ask(one)

    # Acts of those who ask -----------------------------------------------------------------------

    @rule(requests=some.lists(REQUEST, min_size=1, max_size=3))
    def enqueue(self, requests: list[Request]) -> None:
        for one in requests:
            self._ask(one)

    def _ask(self, request: Request) -> None:
        asked = (request.handler, request.variant)
        try:
            owner = self.model.answer(request.key, asked)
        except Conflict:
            with pytest.raises(outbox.KeyConflict):
                self._enqueue(request)
            return
        try:
            found = self._enqueue(request)
        except outbox.KeyConflict as conflict:
            raise AssertionError("the key is free, or stands for the same") from conflict
        assert found.created is (owner is None)
        if owner:
            assert found.message_id == owner
            return
        declared, fates = DECLARED[request.handler], list(request.fates)
        known = Known(
            found.message_id, declared, fates, request.key, request.group, 0, due=not request.later
        )
        self.model.add(known, asked, request.unique)

    def _enqueue(self, request: Request) -> outbox.Enqueued:
        with transaction.atomic():
            ((now,),) = sql("SELECT now()")
            return outbox.enqueue(
                request.handler,
                args={"variant": request.variant},
                key=request.key,
                unique=UNIQUE[request.unique],
                group=request.group,
                due_at=now + HOUR if request.later else None,
                expires_at=now + 3 * HOUR,
            )

    @rule(data=some.data(), act=some.sampled_from(["cancel", "redrive", "redrive", "discard"]))
    def a_person(self, data: Any, act: str) -> None:
        {"cancel": self._cancel, "redrive": self._redrive, "discard": self._discard}[act](data)

    def _cancel(self, data: Any) -> None:
        known = self._pick(data, lambda one: one.waits)
        waits = known.waits and known.id in self.model.messages
        with transaction.atomic():
            assert outbox.cancel(known.id, reason="changed") is waits
        if waits:
            self.model.end(known, "cancelled")

    def _redrive(self, data: Any) -> None:
        known = self._pick(data, self.model.may_redrive)
        if known.id in self.model.messages and self.model.may_redrive(known):
            outbox.redrive(known.id, actor="person")
            self.model.redrive(known)
            return
        with pytest.raises(outbox.NotRedrivable):
            outbox.redrive(known.id, actor="person")

    def _discard(self, data: Any) -> None:
        known = self._pick(data, lambda one: one.state == "dead")
        is_dead = known.state == "dead" and known.id in self.model.messages
        assert outbox.discard(known.id, reason="given up", actor="person") is is_dead
        if is_dead:
            self.model.end(known, "discarded")

    def _pick(self, data: Any, concerns: Callable[[Known], bool]) -> Known:
        """Mostly a message that it concerns; sometimes any, also one that is gone."""
        every = [*self.model.messages.values(), *self.model.pruned.values()]
        found = [one for one in self.model.messages.values() if concerns(one)]
        odd = data.draw(some.integers(0, 4)) == 4
        return data.draw(some.sampled_from(every if odd or not found else found))

    @rule(handler=some.sampled_from(sorted(DECLARED)))
    def pause_or_resume(self, handler: str) -> None:
        act = pauses.resume if handler in self.model.paused else pauses.pause
        assert act(f"handler:{handler}", actor="person")
        self.model.paused ^= {handler}

    # Acts of time --------------------------------------------------------------------------------

    @rule(
        data=some.data(),
        what=some.sampled_from(["delay", "delay", "delays", "expiry", "expiry", "period"]),
    )
    def time_passes(self, data: Any, what: str) -> None:
        if what == "period":
            self._period_ends(data.draw(some.sampled_from("ab")))
        elif what == "delays":
            self.delays_end()
        elif what == "delay":
            known = self._pick(data, lambda one: one.waits and not one.due)
            sql("UPDATE outbox_message SET due_at = now() WHERE id = %s", known.id)
            known.due = True
        else:
            known = self._pick(data, lambda one: one.waits and one.expires)
            if known.expires:  # a redriven one has no expiry any more
                self._expire(known)

    def delays_end(self) -> None:
        sql("UPDATE outbox_message SET due_at = now() WHERE state IN ('pending', 'parked')")
        for one in self.model.messages.values():
            one.due |= one.waits

    def _expire(self, known: Known) -> None:
        past = "UPDATE outbox_message SET expires_at = now() - interval '1 second' WHERE id = %s"
        sql(past, known.id)
        known.late = True

    def _period_ends(self, key: str) -> None:
        sql(
            "UPDATE outbox_idempotencykey SET until = now() - interval '1 second'"
            " WHERE key = %s AND rule = 'period'",
            key,
        )
        known = self.model.keys.get(key)
        if known and known.rule == "period":
            known.lapsed = True

    @rule(data=some.data(), times=some.integers(0, 2))
    def prune(self, data: Any, times: int) -> None:
        """Whatever is chosen is long past its time, and so are the keys that have lapsed."""
        ids = [self._pick(data, lambda one: not one.waits).id for _ in range(times)]
        sql(
            "UPDATE outbox_message SET finished_at = now() - interval '2 years'"
            " WHERE id = ANY(%s) AND finished_at IS NOT NULL",
            ids,
        )
        retention.prune_batch()
        self.model.prune(ids)
