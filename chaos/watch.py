"""While a run goes on: the live checkers, again and again, and how far the run has come."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chaos.catalogue import COMMUNITIES
from chaos.checkers import Violation, live
from chaos.checkers.books import Harm
from chaos.checkers.waiting import OLDEST_DUE
from chaos.client import Client
from chaos.observer import Observer, OutOfSight

EVERY = 0.7  # seconds


@dataclass
class Watch:
    """Reads in a thread of its own; what it saw stays."""

    observer: Observer
    client: Client
    say: Callable[[str], None]
    violations: dict[tuple[str, str], Violation] = field(default_factory=dict)
    reads: int = 0  # rounds of checks that PostgreSQL answered
    done: int = 0  # messages
    waiting: int = 0  # messages that are due
    oldest: float = 0.0  # seconds for which one of them has been due
    faults_over: float | None = None  # seconds since the epoch
    longest_due: float = 0.0  # seconds that one of them was due since then
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """One round. Raises OutOfSight."""
        self._note(live.check(self.observer))
        self.done, self.waiting, self.oldest = self.observer.ask(_PROGRESS)[0]
        if self.faults_over is not None:
            due = self.observer.ask(OLDEST_DUE, [self.faults_over])[0][0]
            self.longest_due = max(self.longest_due, due)
        self.reads += 1

    def _run(self) -> None:
        while not self._end.wait(EVERY):
            try:
                self.look()
            except OutOfSight:
                continue
            self._ask_the_api()

    def _ask_the_api(self) -> None:
        """What a client sees must add up as well."""
        slug = COMMUNITIES[self.reads % len(COMMUNITIES)]
        status, seen = self.client.get(f"/api/v1/communities/{slug}")
        if status == 200 and seen["credits"] != seen["ledger_sum"]:
            what = f"the API says credits {seen['credits']}, entries {seen['ledger_sum']}"
            self._note([Violation("ledger", Harm.LOST, slug, what)])

    def _note(self, found: list[Violation]) -> None:
        for violation in found:
            if (violation.check, violation.subject) not in self.violations:
                seen = replace(violation, at=violation.at or time.time())
                self.violations[violation.check, violation.subject] = seen
                self.say(f"VIOLATED: {violation.check}, {violation.subject}: {violation.what}")


_PROGRESS = """
    SELECT count(*) FILTER (WHERE state = 'done'),
           count(*) FILTER (WHERE state = 'pending' AND due_at <= now()),
           coalesce(max(extract(epoch FROM now() - due_at)) FILTER (
               WHERE state = 'pending' AND due_at <= now()), 0)::float8
    FROM outbox_message
"""
