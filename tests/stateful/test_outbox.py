"""The outbox: enqueue, deliver, fail, crash, expire, redrive, in any order.

After each act every message has the state, the counters and the number of effects that the model
says; in the end, once nothing fails any more, whatever no dead letter blocks has happened once.
"""

import time
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import (
    Bundle,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from outbox import claims, consumer, execution, handlers, relay
from outbox.delivery import Delivery
from outbox.tally import Tally
from tests.stateful.model_of_outbox import DONE, Known, Record
from tests.stateful.outbox_acts import Requests
from tests.stateful.outbox_world import DECLARED, HERE, Killed, sql
from tests.stateful.profiles import Effort


class OutboxMachine(Requests):
    """The other half: what workers and relays do, and what must be so after each act."""

    messages = Requests.messages
    records = Bundle("records")

    # Acts of workers and relays ------------------------------------------------------------------

    @rule(handler=some.sampled_from(sorted(DECLARED)), ids=some.lists(messages, max_size=3))
    def a_dispatch(self, handler: str, ids: list[UUID]) -> None:
        """Any ids, named twice, of another handler, of ended ones; then all that is due."""
        consumer.consume(handlers.get(handler), ids, HERE)
        self._drain()

    @rule(message=messages, times=some.integers(1, 2))
    def its_own_dispatch(self, message: UUID, times: int) -> None:
        """The first run, and the same delivered again."""
        known = self.model.messages.get(message)
        runs_now = known is not None and self._may_run_first(known)
        tally = Tally()
        for _ in range(times):
            self._run_first(message, tally)
        assert tally.refused == times - runs_now
        if known and runs_now:
            self.model.run(known)

    @rule(message=messages)
    def killed_in_its_first_run(self, message: UUID) -> None:
        """Free of charge: no record of it, and nothing is written."""
        known = self.model.messages.get(message)
        if known and self._may_run_first(known) and self._is_timely(known):
            self._kill(lambda: self._run_first(message, Tally()))

    @rule(
        target=records,
        handler=some.sampled_from(sorted(DECLARED)),
        worker=some.sampled_from(["x:1", "y:2"]),
        size=some.integers(1, 3),
    )
    def record_a_run(self, handler: str, worker: str, size: int) -> Any:
        ready = {
            one.id: one
            for one in self.model.messages.values()
            if one.handler.name == handler and self.model.may_be_taken(one)
        }
        with transaction.atomic():
            run = claims.open_next(handlers.get(handler), Delivery(worker=worker), size=size)
        assert (run is None) is (not ready)
        if run is None:
            return multiple()
        named, most = run.message_ids, DECLARED[handler].size or size
        assert set(named) <= set(ready)
        assert len(named) <= most
        assert len(named) == 1 or not any(ready[one].alone for one in named)
        record = Record(run.id, list(named), named, worker)
        self.model.records.append(record)
        return record, run

    @rule(opened=consumes(records), killed=some.booleans())
    def run_the_recorded(self, opened: Any, killed: bool) -> None:
        """All that it names, or until the process dies in its first effect."""
        record, run = opened
        handler = DECLARED[run.handler]
        while run is not None:
            run.opened_at = time.monotonic()
            chunk = [
                self.model.messages[one]
                for one in run.message_ids[: handler.size or 1]
                if record.stands and one in self.model.messages
            ]
            claimed = [one for one in chunk if self.model.may_run(one)]
            if killed and any(self._is_timely(one) for one in claimed):
                self._kill(partial(self._run_recorded, run))
                return
            run = self._run_recorded(run)
            self._note_recorded(claimed)
        record.stands = False

    @rule()
    def relay_round(self) -> None:
        """Whatever record stands is a crash: nobody holds it."""
        relay.run_once()
        self.model.relay()

    # What must be so after each act --------------------------------------------------------------

    @invariant()
    def tables_say_what_the_model_says(self) -> None:
        self._check_messages()
        self._check_effects()

    def _check_messages(self) -> None:
        rows = sql("SELECT id, state, attempts, crashes, alone, group_seq FROM outbox_message")
        said = {row[0]: row[1:] for row in rows}
        for one in self.model.messages.values():
            if one.handler.size:  # whether it failed in company, the table says alone
                one.alone = said[one.id][3]
            place = one.seq if one.group else None
            expected = (one.state, one.attempts, one.crashes, one.alone, place)
            assert said.pop(one.id) == expected, one
        assert not said
        standing = {record.id for record in self.model.records if record.stands}
        assert {row[0] for row in sql("SELECT id FROM outbox_run")} == standing

    def _check_effects(self) -> None:
        rows = sql("SELECT what, count(*) FROM stateful_effect GROUP BY what")
        every = [*self.model.messages.values(), *self.model.pruned.values()]
        expected = {str(one.id): one.effects for one in every if one.effects}
        assert dict(rows) == expected | self.model.abandoned
        assert all(one.effects <= 1 for one in every)

    def teardown(self) -> None:
        """Once all is well, everything has happened once, but for what waits behind the dead."""
        self.relay_round()
        for handler in sorted(self.model.paused):
            self.pause_or_resume(handler)
        sql("UPDATE outbox_message SET due_at = now() WHERE state IN ('pending', 'parked')")
        for one in self.model.messages.values():
            one.fates.clear()
            one.due |= one.waits
        self._drain()
        self.tables_say_what_the_model_says()
        blocked = {one.group for one in self.model.messages.values() if one.state == "dead"}
        left = [one for one in self.model.messages.values() if one.waits]
        assert all(one.group in blocked for one in left), left

    # ---------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        moved = True
        while moved:
            tallies = [consumer.consume(handlers.get(name), [], HERE) for name in DECLARED]
            moved = any(one.done or one.failed or one.late for one in tallies)
        self.model.drain()

    def _run_first(self, message: UUID, tally: Tally) -> None:
        known = self.model.messages.get(message) or self.model.pruned[message]
        handler = handlers.get(known.handler.name)
        execution.run_first(handler, [message], HERE, tally)

    def _run_recorded(self, run: Any) -> Any:
        return execution.run_recorded(handlers.get(run.handler), run, HERE, Tally())

    def _note_recorded(self, claimed: list[Known]) -> None:
        timely = [one for one in claimed if self._is_timely(one)]
        fails = len(timely) > 1 and any(one.fate != DONE for one in timely)
        for one in claimed:
            if fails and one in timely:
                one.alone = True
            else:
                self.model.run(one)

    def _may_run_first(self, known: Known) -> bool:
        free = known.handler.name not in self.model.paused
        return self.model.may_run(known) and known.is_fresh and free

    def _is_timely(self, known: Known) -> bool:
        return not known.late or known.handler.late == "run"

    def _kill(self, act: Any) -> None:
        self.killing = True
        with pytest.raises(Killed):
            act()
        self.killing = False


@pytest.mark.usefixtures("outbox_world")
def test_the_outbox_does_what_its_model_does() -> None:
    run_state_machine_as_test(OutboxMachine, settings=Effort(examples=50, acts=30).settings())
