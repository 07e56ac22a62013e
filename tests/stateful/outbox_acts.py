"""What people and time do to messages: the first half of the machine in test_outbox.py."""

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

GROUPS = (None, None, "g", "h")


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

    @rule(
        target=messages,
        handler=some.sampled_from(sorted(DECLARED)),
        key=some.sampled_from([None, "a", "b"]),
        variant=some.integers(0, 1),
        unique=some.sampled_from(RULES),
        group=some.sampled_from(GROUPS),
        later=some.booleans(),
        fates=some.lists(some.sampled_from([*FAILS, FATAL, SNOOZE, DONE]), max_size=4),
    )
    def enqueue(
        self,
        handler: str,
        key: str | None,
        variant: int,
        unique: str,
        group: str | None,
        later: bool,
        fates: list[str],
    ) -> Any:
        asked = (handler, variant)
        try:
            owner = self.model.answer(key, asked)
        except Conflict:
            with pytest.raises(outbox.KeyConflict):
                self._enqueue(handler, key, variant, unique, group, later)
            return multiple()
        found = self._enqueue(handler, key, variant, unique, group, later)
        assert found.created is (owner is None)
        if owner:
            assert found.message_id == owner
            return multiple()
        known = Known(found.message_id, DECLARED[handler], fates, key, group, 0, due=not later)
        self.model.add(known, asked, unique)
        return known.id

    def _enqueue(
        self, handler: str, key: str | None, variant: int, unique: str, group: Any, later: bool
    ) -> outbox.Enqueued:
        with transaction.atomic():
            ((now,),) = sql("SELECT now()")
            return outbox.enqueue(
                handler,
                args={"variant": variant},
                key=key,
                unique=UNIQUE[unique],
                group=group,
                due_at=now + HOUR if later else None,
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
