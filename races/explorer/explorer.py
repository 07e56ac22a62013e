"""Puts the parts together: sessions, server, reset, search; one scenario at a time."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections

from . import catalog, mutation, schedule, statement
from .errors import InsideTransaction, ThreadLeftBehind
from .faults import Faults
from .question import Job, named, nothing
from .reset import Snapshot
from .run import Run, Team
from .search import Search, follow
from .server import Server
from .session import Session


@dataclass
class Explored:
    """One schedule that was run: ``whole``, or cut where its rest is known from another."""

    run: Run
    whole: bool
    stuck: list[str]

    @property
    def schedule(self) -> str:
        """Its short text."""
        return schedule.format(self.run.taken)


class Explorer:
    """Holds the server, the workers' threads and the database's clean state between scenarios."""

    def __init__(self, alias: str = "default", patience: float = 10.0) -> None:
        """Take charge of the database behind Django's ``alias``.

        ``patience``: seconds that a worker may compute between two statements. What else a
        question brings (setup, begin, check, aftermath) runs on the caller's thread, unwatched.
        Raises ServerNotControlled where the server is not the explorer's to hold.
        """
        if connections[alias].in_atomic_block:
            raise InsideTransaction("Explore outside transactions: others cannot see yours.")
        connections[alias].ensure_connection()
        self.alias = alias
        self.patience = patience
        self.server = Server(**_parameters(alias))
        self._sessions: dict[str, Session] = {}
        self.take_charge()

    def scenario(
        self,
        jobs: Sequence[Job] | Mapping[str, Job],
        *,
        setup: Job = nothing,
        begin: Job = nothing,
        faults: Faults | None = None,
        rewrite: mutation.Rewrite = mutation.unchanged,
    ) -> "Scenario":
        """Workers (named A, B, C, or by a mapping) on what ``setup`` makes, once, in the database.

        ``begin`` runs before each schedule and puts back what lives outside the database.
        """
        by_name = jobs if isinstance(jobs, Mapping) else named(jobs)
        return Scenario(self, dict(by_name), setup, begin, faults or Faults(), rewrite)

    def session(self, name: str) -> Session:
        """The worker's thread, made at first use and used again."""
        if name not in self._sessions:
            self._sessions[name] = Session(name, self.alias)
        return self._sessions[name]

    def take_charge(self) -> None:
        """Take the database's present content for the clean state."""
        self._clean = Snapshot(self.server.connection, "race_clean")

    def clean(self) -> None:
        """Put the whole database back to what it was when the explorer took charge."""
        self._clean.restore()

    def recover(self) -> None:
        """After an error: give the threads up, end what they left in PostgreSQL."""
        for session in self._sessions.values():
            session.give_up()
        self._sessions.clear()
        self.server.end_strangers(self._own_pids())

    def _own_pids(self) -> list[int]:
        raw = connections[self.alias].connection
        return [raw.info.backend_pid] if raw is not None else []

    def close(self) -> None:
        """End the workers and the control connection."""
        for session in self._sessions.values():
            session.leave()
        for session in self._sessions.values():
            session.join(self.patience)
        self._clean.drop()
        self.server.close()


class Scenario:
    """One set of workers on one start state; a context manager that leaves the database clean."""

    def __init__(
        self,
        explorer: Explorer,
        jobs: dict[str, Job],
        setup: Job,
        begin: Job,
        faults: Faults,
        rewrite: mutation.Rewrite,
    ) -> None:
        self.explorer = explorer
        self.jobs = jobs
        self._setup = setup
        self._begin = begin
        self._faults = faults
        self._rewrite = rewrite
        self._reduce = self._omit = True
        self.left_out = False  # by the bound of the last search that came to its end
        self._changed: set[str] | None = None  # tables that the last run changed; None: any

    def __enter__(self) -> "Scenario":
        self.explorer.clean()
        self._threads = set(threading.enumerate())
        try:
            self._setup()
            self._check_threads()
            connection = self.explorer.server.connection
            self._catalog = catalog.read(connection)
            self._start = Snapshot(connection, "race_start")
        except BaseException:
            self.explorer.clean()
            raise
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._start.drop()
        self.explorer.clean()
        if error is None:
            self._check_threads()

    def search(
        self, *, reduce: bool = True, bound: int | None = None, omit: bool = True
    ) -> Iterator[Explored]:
        """Every schedule; after each, look at the database before asking for the next.

        ``omit=False``, beside ``reduce=False``, has every schedule in the strictest sense: of two
        workers that do the same either begins, one may die before its first step and come again,
        and the end of a job is a step even where nobody may die any more.
        """
        self._reduce, self._omit = reduce and bound is None, omit
        search = Search(reduce=self._reduce, bound=bound)
        more = True
        while more:
            with self._running() as run:
                whole = search.follow(run)
                stuck = [session.worker for session in run.stuck()] if whole else []
            yield Explored(run, whole, stuck)
            more = search.next()
        self.left_out = search.left_out

    def replay(self, text: str) -> Explored:
        """One schedule by its text; raises ScheduleDoesNotFit."""
        choices = schedule.parse(text)
        return self.drive(lambda run: follow(run, choices))

    def drive(self, driver: Callable[[Run], None]) -> Explored:
        """One run under the caller's hand: ``driver`` takes choices until none is open."""
        self._reduce, self._omit = False, True
        with self._running() as run:
            driver(run)
            stuck = [session.worker for session in run.stuck()]
        return Explored(run, True, stuck)

    def afterwards(self, job: Job) -> None:
        """Do something after a run, on this thread's connection; it is put back as well."""

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            footprint = statement.read(sql, self._catalog).footprint
            if footprint.may_change_any_table and not statement.is_silent(sql):
                self._changed = None
            elif self._changed is not None:
                self._changed |= footprint.changed
            return execute(sql, params, many, context)

        with connections[self.explorer.alias].execute_wrapper(note):
            job()

    @contextmanager
    def _running(self) -> Iterator[Run]:
        """A run from the start state, ended and its threads accounted for."""
        self._start.restore(self._changed)
        self._changed = None
        self._begin()
        self._check_threads()
        run = Run(
            self._team(),
            self.explorer.server,
            self._faults,
            self.explorer.patience,
            reduce=self._reduce,
            omit=self._omit,
        )
        try:
            run.begin()
            yield run
            run.end()
            self._check_threads()
        except BaseException:
            run.thaw()
            self.explorer.recover()
            raise
        self._changed = None if run.touched.may_change_any_table else run.touched.changed

    def _team(self) -> Team:
        return Team(
            self.jobs,
            self.explorer.session,
            lambda session, job: session.begin(job, self._catalog, self._rewrite),
        )

    def _check_threads(self) -> None:
        new = set(threading.enumerate()) - self._threads
        left = [thread.name for thread in new if not isinstance(thread, Session)]
        if left:
            raise ThreadLeftBehind(
                f"A callable left a thread behind ({', '.join(left)}): what it does is in nobody's "
                "schedule. Join it, or make it a worker of the scenario."
            )


def _parameters(alias: str) -> dict[str, Any]:
    wanted = ("host", "port", "user", "password", "dbname")
    parameters = connections[alias].get_connection_params()
    return {name: parameters[name] for name in wanted if parameters.get(name)}
