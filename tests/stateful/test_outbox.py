"""The outbox: enqueue, deliver, fail, crash, expire, redrive, in any order.

After each act every message has the state, the counters and the number of effects that the model
says; in the end, once nothing fails any more, whatever no dead letter blocks has happened once.
"""

import time
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as some
from hypothesis.stateful import (
    Bundle,
    consumes,
    invariant,
    multiple,
    rule,
)

from outbox import claims, consumer, execution, handlers, relay
from outbox.delivery import Delivery
from outbox.tally import Tally
from tests.stateful import outbox_tables as tables
from tests.stateful.model_of_outbox import DONE, Known, Record
from tests.stateful.outbox_acts import Requests
from tests.stateful.outbox_world import DECLARED, HERE, Killed
from tests.stateful.profiles import Effort, explore


class OutboxMachine(Requests):
    """The other half: what workers and relays do, and what must be so after each act."""

    records = Bundle("records")

    # Acts of workers and relays ------------------------------------------------------------------

    @rule(
        data=some.data(),
        handler=some.sampled_from(sorted(DECLARED)),
        named=some.integers(0, 3),
    )
    def a_dispatch(self, data: Any, handler: str, named: int) -> None:
        """Any ids, named twice, of another handler, of ended ones; then all that is due."""
        ids = [self._pick(data, self.model.may_run).id for _ in range(named)]
        consumer.consume(handlers.get(handler), ids, HERE)
        self._drain()

    @rule(data=some.data(), times=some.integers(1, 2))
    def its_own_dispatch(self, data: Any, times: int) -> None:
        """The first run, and the same delivered again."""
        known = self._pick(data, self._may_run_first)
        runs_now = known.id in self.model.messages and self._may_run_first(known)
        tally = Tally()
        for _ in range(times):
            self._run_first(known, tally)
        assert tally.refused == times - runs_now
        if runs_now:
            self.model.run(known)

    @rule(data=some.data())
    def killed_in_its_first_run(self, data: Any) -> None:
        """Free of charge: no record of it, and nothing is written."""
        known = self._pick(data, self._may_run_first)
        if self._may_run_first(known) and self._is_timely(known):
            self._kill(lambda: self._run_first(known, Tally()))

    @rule(
        target=records,
        handler=some.sampled_from(sorted(DECLARED)),
        worker=some.sampled_from(["x:1", "y:2"]),
        size=some.integers(1, 3),
    )
    def record_a_run(self, handler: str, worker: str, size: int) -> Any:
        opened = self._open(handler, worker, size)
        return opened or multiple()

    @rule(
        names=some.lists(some.sampled_from(sorted(DECLARED)), min_size=1, max_size=3),
        size=some.integers(1, 3),
        times=some.sampled_from([1, 2, 3]),
    )
    def a_worker_dies(self, names: list[str], size: int, times: int) -> None:
        """With what it has recorded, one after the other or beside each other; again and again."""
        for _ in range(times):
            self.delays_end()
            for name in names:
                self._open(name, "x:1", size)
            self.relay_round()
            self.tables_say_what_the_model_says()

    def _open(self, handler: str, worker: str, size: int) -> Any:
        """Record a run of what is due first: one that must be alone, or those that need not."""
        ready = [
            one.id
            for one in self.model.messages.values()
            if one.handler.name == handler and self.model.may_be_taken(one)
        ]
        first = tables.in_line(ready)[: DECLARED[handler].size or size]
        alone = [one for one in first if self.model.messages[one].alone]
        expected = first[:1] if first[:1] == alone[:1] else [x for x in first if x not in alone]
        with transaction.atomic():
            run = claims.open_next(handlers.get(handler), Delivery(worker=worker), size=size)
        assert (run.message_ids if run else []) == expected
        if run is None:
            return None
        record = Record(run.id, list(run.message_ids), run.message_ids, worker)
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
        """Whatever record stands is a crash: nobody holds it. For what is due then, it rings."""
        found = relay.run_once()
        assert found.crashed == sum(record.stands for record in self.model.records)
        self.model.collect()
        assert found.promoted == 0, "whatever made room has let the next one up"
        assert found.dispatched == self.model.to_ring_for()

    # What must be so after each act --------------------------------------------------------------

    @invariant()
    def tables_say_what_the_model_says(self) -> None:
        tables.check(self.model)
        self.runs = 0

    def teardown(self) -> None:
        """Once all is well, everything has happened once, but for what waits behind the dead."""
        self.relay_round()
        for handler in sorted(self.model.paused):
            self.pause_or_resume(handler)
        self.delays_end()
        for one in self.model.messages.values():
            one.fates.clear()
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

    def _run_first(self, known: Known, tally: Tally) -> None:
        handler = handlers.get(known.handler.name)
        execution.run_first(handler, [known.id], HERE, tally)

    def _run_recorded(self, run: Any) -> Any:
        return execution.run_recorded(handlers.get(run.handler), run, HERE, Tally(), lambda: None)

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
        try:
            with pytest.raises(Killed):
                act()
        finally:  # or the teardown of an example that has failed would be killed, too
            self.killing = False


EFFORT = Effort(examples=50, acts=30)


@pytest.mark.usefixtures("outbox_world")
def test_the_outbox_does_what_its_model_does() -> None:
    explore(OutboxMachine, EFFORT)
