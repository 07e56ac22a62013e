"""What people and time do to messages: the first half of the machine in test_outbox.py."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, precondition, rule

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
    group=some.sampled_from(["g", None, "g"]),
    later=some.sampled_from([False, False, True]),
    fates=some.lists(some.sampled_from([FATAL, *FAILS, SNOOZE, FATAL, DONE]), max_size=4).map(
        tuple
    ),
)


class Requests(RuleBasedStateMachine):
    """Enqueue, cancel, redrive, discard, pause; and whatever time brings."""

    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        running[:] = [self]
        self.model = Model()
        self.killing = False
        for table in ("run", "event", "idempotencykey", "pause", "group", "message"):
            sql(f"DELETE FROM outbox_{table}")
        sql("DELETE FROM stateful_effect")

    # Acts of those who ask -----------------------------------------------------------------------

    @rule(target=messages, requests=some.lists(REQUEST, min_size=1, max_size=3))
    def enqueue(self, requests: list[Request]) -> Any:
        return multiple(*(made for one in requests for made in self._ask(one)))

    def _ask(self, request: Request) -> list[UUID]:
        asked = (request.handler, request.variant)
        try:
            owner = self.model.answer(request.key, asked)
        except Conflict:
            with pytest.raises(outbox.KeyConflict):
                self._enqueue(request)
            return []
        found = self._enqueue(request)
        assert found.created is (owner is None)
        if owner:
            assert found.message_id == owner
            return []
        declared, fates = DECLARED[request.handler], list(request.fates)
        known = Known(
            found.message_id, declared, fates, request.key, request.group, 0, due=not request.later
        )
        self.model.add(known, asked, request.unique)
        return [known.id]

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

    @rule(message=messages)
    def cancel(self, message: UUID) -> None:
        known = self.model.messages.get(message)
        with transaction.atomic():
            assert outbox.cancel(message, reason="changed") is bool(known and known.waits)
        if known and known.waits:
            self.model.end(known, "cancelled")

    @rule(message=messages)
    def redrive(self, message: UUID) -> None:
        known = self.model.messages.get(message)
        if known is None or not self.model.may_redrive(known):
            with pytest.raises(outbox.NotRedrivable):
                outbox.redrive(message, actor="person")
            return
        outbox.redrive(message, actor="person")
        self.model.redrive(known)

    @rule(message=messages)
    def discard(self, message: UUID) -> None:
        known = self.model.messages.get(message)
        is_dead = known is not None and known.state == "dead"
        assert outbox.discard(message, reason="given up", actor="person") is is_dead
        if known and is_dead:
            self.model.end(known, "discarded")

    @rule(handler=some.sampled_from(sorted(DECLARED)))
    def pause_or_resume(self, handler: str) -> None:
        act = pauses.resume if handler in self.model.paused else pauses.pause
        assert act(f"handler:{handler}", actor="person")
        self.model.paused ^= {handler}

    # Acts of time --------------------------------------------------------------------------------

    @rule(message=messages)
    def time_comes(self, message: UUID) -> None:
        sql("UPDATE outbox_message SET due_at = now() WHERE id = %s", message)
        if known := self.model.messages.get(message):
            known.due = True

    @rule(message=messages)
    def expire(self, message: UUID) -> None:
        """A redriven one has no expiry any more."""
        if sql(
            "UPDATE outbox_message SET expires_at = now() - interval '1 second'"
            " WHERE id = %s AND expires_at IS NOT NULL RETURNING id",
            message,
        ):
            self.model.messages[message].late = True

    @precondition(lambda self: self.model.keys)
    @rule(key=some.sampled_from("ab"))
    def period_ends(self, key: str) -> None:
        sql(
            "UPDATE outbox_idempotencykey SET until = now() - interval '1 second'"
            " WHERE key = %s AND rule = 'period'",
            key,
        )
        known = self.model.keys.get(key)
        if known and known.rule == "period":
            known.lapsed = True

    @rule(ids=some.lists(messages, max_size=3))
    def prune(self, ids: list[UUID]) -> None:
        sql(
            "UPDATE outbox_message SET finished_at = now() - interval '2 years'"
            " WHERE id = ANY(%s) AND finished_at IS NOT NULL",
            ids,
        )
        retention.prune_batch()
        self.model.prune(ids)
