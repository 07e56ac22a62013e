"""Who waits for whom, as PostgreSQL says; and holding several who are freed at once."""

from collections.abc import Mapping

from .server import Server
from .session import Session


class Waits:
    """The waits among the workers of one run."""

    def __init__(self, server: Server, sessions: Mapping[str, Session]) -> None:
        self._server = server
        self._sessions = sessions
        self._held: set[str] = set()

    def blocked(self) -> list[Session]:
        """Workers known to wait in PostgreSQL."""
        return [session for session in self._sessions.values() if session.blocked]

    def hold_if_several(self) -> None:
        """Stop all waiting backends: PostgreSQL does not promise the order in which they wake."""
        waiting = self.blocked()
        if len(waiting) > 1:
            for session in waiting:
                self._server.hold(session.pid)
                self._held.add(session.worker)

    def thaw(self, session: Session) -> None:
        """Let one go on that was stopped."""
        if session.worker in self._held:
            self._held.discard(session.worker)
            self._server.thaw(session.pid)

    def thaw_all(self) -> None:
        """Let all go on."""
        for name in list(self._held):
            self.thaw(self._sessions[name])

    def freed(self) -> list[Session]:
        """Blocked workers that nobody of ours holds up any longer."""
        waiting = self.blocked()
        if not waiting:
            return []
        waits = self._server.waits_for(session.pid for session in waiting)
        ours = {session.pid for session in self._sessions.values()}
        return [session for session in waiting if not waits[session.pid] & ours]

    def is_blocked(self, session: Session) -> bool:
        """Ask PostgreSQL whether the worker waits for one of ours; cut a circle of waits."""
        if session.deadlocked:
            return False  # cancelled a moment ago
        pid = session.pid  # it may be connecting at this moment
        pids = {pid, *(other.pid for other in self.blocked())}
        ours = {other.pid for other in self._sessions.values()}
        waits = {each: found & ours for each, found in self._server.waits_for(pids).items()}
        if not waits[pid]:
            return False
        session.waited = True
        if _closes_circle(pid, waits):
            session.deadlocked = True
            self._server.cancel(pid)
            return False
        session.blocked = True
        return True

    def named(self, session: Session) -> str:
        """The workers that hold this one up, for people."""
        waits = self._server.waits_for([session.pid])[session.pid]
        found = [other.worker for other in self._sessions.values() if other.pid in waits]
        return " and ".join(found) or "nobody"


def _closes_circle(start: int, waits: Mapping[int, set[int]]) -> bool:
    seen: set[int] = set()
    todo = list(waits[start])
    while todo:
        pid = todo.pop()
        if pid == start:
            return True
        if pid not in seen:
            seen.add(pid)
            todo += waits.get(pid, ())
    return False
