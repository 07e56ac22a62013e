"""Letting one worker run until it stops: at its next step, at its end, or at somebody's lock."""

import time
from queue import Empty

from .errors import ExplorerError, NeverCameBack
from .schedule import STEP
from .server import Server
from .session import ENDED, LOST, RETURNED, Session
from .waits import Waits

READY, DONE, BLOCKED = "ready", "done", "blocked"
_FIRST_POLL, _LAST_POLL = 0.0012, 0.02  # seconds; a statement takes a third of the first


class Pace:
    """Waits for workers, and asks PostgreSQL about those that do not come back."""

    def __init__(self, server: Server, waits: Waits, patience: float) -> None:
        self._server = server
        self._waits = waits
        self._patience = patience

    def let_run(self, session: Session) -> str:
        """Wait until the worker has stopped, and say how; raises NeverCameBack."""
        pause, deadline = _FIRST_POLL, time.monotonic() + self._patience
        while True:
            try:
                event = session.events.get(timeout=pause)
            except Empty:
                if self._waits.is_blocked(session):
                    return BLOCKED
                if time.monotonic() > deadline:
                    raise self._lost(session) from None
                pause = min(pause * 2, _LAST_POLL)
                continue
            if event == LOST:
                self._server.terminate(session.pid)
            elif event == RETURNED:
                session.blocked = False  # its statement came back after a wait: now it may run on
            else:
                return DONE if event == ENDED else READY
            session.go(STEP)

    def expect(self, session: Session, event: str) -> None:
        """Wait for this event and no other; raises NeverCameBack."""
        try:
            found = session.events.get(timeout=self._patience)
        except Empty:
            raise self._lost(session) from None
        if found != event:
            raise ExplorerError(f"{session.worker}: {found} where {event} was due")

    def _lost(self, session: Session) -> NeverCameBack:
        return NeverCameBack(
            f"{session.worker} has run for {self._patience:g} s since “{session.step.text}” "
            "without reaching a statement or ending, and it waits for none of the other workers "
            f"({self._server.activity(session.pid)}). It computes, or waits for something that "
            "the explorer cannot see: put a point() before it."
        )
