"""Probes: effects asked for at a steady rate, whose commits tell how long a fault was felt."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle

from chaos import load
from chaos.catalogue import PROBED
from chaos.client import Client
from chaos.journal import Answer, Journal, Request
from chaos.observer import Observer, OutOfSight

EVERY = 0.25  # seconds
PROBES = ("probe", "bulk_probe")
AT_ONCE = 40  # probes that may wait for their answers, so that a fault does not thin them out


@dataclass
class Probes:
    """Through the whole path: web, database, broker, worker. Four reductions a second, done by the
    workers of the default queue, and two bare effects, done by those of the bulk queue."""

    client: Client
    journal: Journal
    observer: Observer
    finished: dict[str, float] = field(default_factory=dict)  # id -> when, by the database's clock
    _open: list[Request] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to ask, and to look for the effects."""
        for target in (self._ask, self._look):
            thread = threading.Thread(target=target, name=f"probes{target.__name__}")
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Ask no more, and wait for the answers."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def open(self) -> int:
        """How many have not had their effect yet."""
        return len(self._open)

    def open_since(self, moment: float) -> int:
        """How many probes that were placed by then have not had their effect yet."""
        return sum(one.placed_at <= moment for one in list(self._open))

    def _ask(self) -> None:
        dice = random.Random(0)  # noqa: S311 - spreads retries
        with ThreadPoolExecutor(AT_ONCE) as clients:
            kinds = cycle([PROBES[:1], PROBES])
            while not self._end.wait(EVERY):
                if len(self._open) >= AT_ONCE:
                    continue  # further ones would only wait for a client
                for kind in next(kinds):
                    number = self.journal.number()
                    probe = self.journal.begin(number, kind, *_compose(kind, number))
                    self._open.append(probe)
                    clients.submit(self.client.send, probe, dice, patient=True)

    def _look(self) -> None:
        while not self._end.wait(0.1):
            try:
                for kind, sql in _FINISHED.items():
                    self._look_for(kind, sql)
            except OutOfSight:
                continue
            for one in list(self._open):
                if one.id in self.finished or one.answer in _GIVEN_UP:
                    self._open.remove(one)

    def _look_for(self, kind: str, sql: str) -> None:
        waiting = [
            one.id for one in list(self._open) if one.kind == kind and one.answer is Answer.ACCEPTED
        ]
        if waiting:
            self.finished.update(dict(self.observer.ask(sql, [waiting])))


def _compose(kind: str, number: int) -> load.Composed:
    if kind == "bulk_probe":
        return load.bulk(number)
    return load.reduction(number, PROBED[number % len(PROBED)])


_GIVEN_UP = (Answer.REFUSED, Answer.INDETERMINATE)
_FINISHED = {
    "probe": """
        SELECT id::text, extract(epoch FROM finished_at)::float8 FROM pricing_pricereduction
        WHERE id = ANY(%s::uuid[]) AND finished_at IS NOT NULL
    """,
    "bulk_probe": """
        SELECT number::text, extract(epoch FROM at)::float8 FROM chaos_effect
        WHERE number = ANY(%s::bigint[])
    """,
}
