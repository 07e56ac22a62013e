"""One worker: a thread, its connection, and the gate where it waits between two steps.

The thread writes only ``step`` (what it is about to do) and its outcome; all other state belongs to
the scheduler. One thread runs at a time, so nothing here needs a lock.
"""

import contextlib
import ctypes
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from django.db import connections

from . import points
from .catalog import Catalog
from .dependency import NOTHING, Footprint
from .errors import Abandoned, Killed, NoYieldPoint
from .schedule import KILL, STEP
from .step import END, POINT, Outcome, Step
from .wiretap import Wiretap

# events
ARRIVED, RETURNED, LOST, ENDED, CLEAN = "arrived", "returned", "lost", "ended", "clean"
ABANDON = "abandon"  # an order: the run is given up


class Session(threading.Thread):
    """A named worker, used again from run to run (a connection costs as much as ten steps)."""

    def __init__(self, name: str, alias: str) -> None:
        super().__init__(name=f"race {name}", daemon=True)
        self.worker = name
        self.alias = alias
        self.step = Step("start", "start")
        self.outcome = Outcome(name)
        self.pid = 0
        self.strict = False  # transactions that name no level, on its connection
        self.blocked = False  # written by the scheduler while this thread is inside a statement
        self.deadlocked = False
        self.waited = False  # during its present step
        self.dead = False
        self.abandoned = False
        self.tap: Wiretap | None = None
        self.may_die = False
        self.keys: frozenset[str] = frozenset()  # all that it has touched besides tables
        self.refusal: NoYieldPoint | None = None  # of the explorer, whatever became of it
        self.lost_reply: BaseException | None = None  # what the callable got in its place
        self.events: SimpleQueue[str] = SimpleQueue()
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self.start()

    # -- the scheduler's side

    def begin(
        self, job: Callable[[], Any], catalog: Catalog, rewrite: Callable[[str], str]
    ) -> None:
        """Run ``job`` up to its first step. An ARRIVED or ENDED event follows."""
        self.outcome = Outcome(self.worker)
        self.blocked = self.deadlocked = self.dead = self.abandoned = False
        self.keys = frozenset()
        self.refusal = self.lost_reply = None
        self._orders.put((job, catalog, rewrite))

    def go(self, order: str = STEP) -> None:
        """Let the worker go on from its gate (or from a statement that came back after a wait)."""
        self._orders.put(order)

    @property
    def held(self) -> Footprint:
        """What the worker's open transaction holds, and lets go when it dies or fails."""
        return self.tap.held if self.tap else NOTHING

    def leave(self) -> None:
        """End the thread; its connection is closed."""
        self._orders.put(None)

    def give_up(self) -> None:
        """Let the thread end whatever it does; it is not used again."""
        self.dead = True
        for _ in range(4):  # at its gate, after a wait, to clean up, for the next job
            self._orders.put(None)
        if self.ident is not None:  # a loop without statements ends at this, a sleep after it
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.ident), ctypes.py_object(Abandoned)
            )

    # -- the thread's side

    def run(self) -> None:
        """Take one job after another."""
        points.hold(self)
        with contextlib.suppress(Killed):
            while order := self._orders.get():
                self._do(*order)
        connections[self.alias].close()

    def point(self, text: str, keys: frozenset[str], *, everything: bool) -> None:
        """A step that is not SQL; see points.point."""
        self.wait(Step(POINT, text, Footprint(keys=keys, everything=everything)))

    def wait(self, step: Step) -> str:
        """Arrive at a step and wait to be let go on; raises Killed where the process is to die."""
        if self.dead:
            raise Killed
        self.step = step
        self.events.put(ARRIVED)
        return self._take_order()

    def came_back(self) -> None:
        """After a statement: where it had to wait for a lock, wait for one's turn to run on."""
        if self.blocked:
            self.events.put(RETURNED)
            self._take_order()

    def lose_connection(self) -> None:
        """Wait until the scheduler has ended the backend, and so let go of its session's locks."""
        self.events.put(LOST)
        self._take_order()

    def _take_order(self) -> str:
        order = self._orders.get()
        if order in (KILL, ABANDON, None):
            self.dead = True
            self.abandoned = order != KILL
            raise Abandoned if self.abandoned else Killed
        return str(order)

    def _do(self, job: Callable[[], Any], catalog: Catalog, rewrite: Callable[[str], str]) -> None:
        self.tap = Wiretap(self, catalog, rewrite)
        try:
            with self.tap:
                self.outcome.value = job()
                if self.may_die:  # death after the last effect, before the job is acknowledged
                    self.wait(Step(END, "(ends)", Footprint(keys=self.tap.lasting)))
        except Killed as error:
            self.outcome.error = error
        except BaseException as error:
            self.outcome.error = Killed() if self.dead else error
        self.events.put(ENDED)
        # a session lock that was not given back is held on until the run is over, as in life
        if self._orders.get() is None:
            return
        # By the flag and not by the error: unwinding may have raised another one. A connection that
        # is merely closed lets its row locks go some time later, and SKIP LOCKED would meet them.
        self.tap.leave_clean(abandoned=self.abandoned)
        self.events.put(CLEAN)
