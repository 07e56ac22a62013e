"""Bare effects worked off by threads of this process, while their connections are cut."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import Error, connection, connections, transaction

import outbox
from chaos.checkers import Books, Violation, bare, waiting
from chaos.journal import Answer, Journal
from chaos.observer import Observer
from chaos.planted import bare as effects
from outbox import consumer, handlers
from outbox.delivery import Delivery
from outbox.models import Message

AT_ONCE = 10
WORKERS = 4


class Bench:
    """Ask for effects, let workers run and harm them, compare the books."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.observer = Observer(address())
        self.observer.ask(effects.TABLE)
        self._ids: list[UUID] = []

    def ask(self, requests: int) -> None:
        """So many requests of ten effects each, all accepted."""
        for number in [self.journal.number() for _ in range(requests)]:
            numbers = list(range(number * AT_ONCE, (number + 1) * AT_ONCE))
            request = self.journal.begin(number, "bare", "/chaos/bare", {"numbers": numbers})
            with transaction.atomic():
                args = [{"number": one} for one in numbers]
                self._ids += outbox.enqueue_many("chaos.bare", args)
            request.answer = Answer.ACCEPTED

    def work(self, seconds: float) -> None:
        """Workers who are all told of the same messages, until none waits or the time is up."""
        self.observer.insist("DELETE FROM outbox_run")  # of the dead: there is no relay here
        latest = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._work, args=(latest, number)) for number in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @contextmanager
    def cut_connections(self) -> Iterator[None]:
        """All sessions end, again and again."""
        end = threading.Event()
        thread = threading.Thread(target=self._cut, args=(end,))
        thread.start()
        yield
        end.set()
        thread.join()
        connections.close_all()

    def violations(self) -> list[Violation]:
        """What the checkers find in the books of the bare effects."""
        books = Books(self.journal, self.observer, {}, Path("no mails"))
        return [*bare.check(books), *waiting.check(books)]

    def close(self) -> None:
        """Leave nothing behind."""
        self.observer.insist("DROP TABLE chaos_effect")
        self.observer.close()

    def _work(self, latest: float, number: int) -> None:
        handler = handlers.get("chaos.bare")
        while time.monotonic() < latest:
            start = number * 7 % max(1, len(self._ids))
            try:
                consumer.consume(handler, self._ids[start : start + 30], Delivery.here())
                self._make_due()
                if not Message.objects.filter(state="pending", due_at__lt=_soon()).exists():
                    break
            except (Error, RuntimeError):
                connection.close()  # as a worker does: the next dispatch finds a new one
        connection.close()

    def _make_due(self) -> None:
        """A retry's delay is over at once."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_message SET due_at = now() WHERE state = 'pending'"
                " AND due_at BETWEEN now() AND now() + interval '1 hour'"
            )

    def _cut(self, end: threading.Event) -> None:
        harm = Observer(address())
        while not end.wait(0.03):
            harm.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                " AND application_name <> 'chaos'"
            )
        harm.close()


def address() -> str:
    """Where this test's rows are."""
    database = connection.settings_dict
    login = f"{database['USER']}:{database['PASSWORD']}"
    return f"postgres://{login}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def slow_effect(pause: float) -> Callable[..., None]:
    """The bare effect, and then a moment in which a worker may die."""

    def leave(*, number: int) -> None:
        effects.leave(number)
        time.sleep(pause)

    return leave


def _soon() -> object:
    from datetime import timedelta

    from django.utils import timezone

    return timezone.now() + timedelta(hours=1)
