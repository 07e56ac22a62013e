"""An explorer whose workers know, at each step, the line of our source that it came from."""

from races.explorer import Explorer
from races.explorer.session import Session
from races.explorer.step import Step
from races.recording import source
from races.recording.data import Place


class WatchedSession(Session):
    """A worker that looks at its own call stack whenever it arrives at a step."""

    place: Place | None = None

    def wait(self, step: Step) -> str:
        """Note where the step comes from, then wait as ever."""
        self.place = source.here()
        return super().wait(step)


class WatchedExplorer(Explorer):
    """As Explorer, with such workers."""

    def session(self, name: str) -> WatchedSession:
        """The worker's thread, made at first use and used again."""
        found = self._sessions.get(name)
        if not isinstance(found, WatchedSession):
            found = self._sessions[name] = WatchedSession(name, self.alias)
        return found
