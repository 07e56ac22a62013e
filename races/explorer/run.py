"""One run: the workers under the scheduler's hand, from their first step to their last.

Between two choices one worker runs. One that does not come back is asked for in PostgreSQL: where
it waits for another of ours it counts as blocked, and the others go on. A circle of waits is cut by
cancelling the last to join, with the error that PostgreSQL would give: its own detector looks after
a time-out, and which of the two it then picks is chance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .dependency import NOTHING, Footprint
from .errors import NeverEnds
from .faults import Budget, Faults
from .pace import BLOCKED, READY, Pace
from .schedule import ACK, KILL, STEP, WAKE, Choice
from .server import Server
from .session import ABANDON, CLEAN, ENDED, RETURNED, Session
from .statement import is_drawn
from .step import END, Moment, Outcome, Step
from .traces import Traces
from .waits import Waits

_MOST_STEPS = 300  # of one worker in one run


@dataclass
class Team:
    """The workers, and what each does."""

    jobs: dict[str, Callable[[], Any]]
    session: Callable[[str], Session]  # by name, made at first use
    begin: Callable[[Session, Callable[[], Any]], None]


class Run:
    """The state of one run, and the choices that are open in it."""

    def __init__(
        self,
        team: Team,
        server: Server,
        faults: Faults,
        patience: float,
        *,
        reduce: bool = True,
        omit: bool = True,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.moments: list[Moment] = []
        self.taken: list[Choice] = []
        self.steps: dict[str, int] = {}
        self.last = ""
        self.touched = NOTHING  # by the whole run
        self.budget = Budget(faults, omit=omit)
        self._team = team
        self._jobs = dict(team.jobs)
        self._server = server
        self._faults = faults
        self._reduce = reduce
        self._omit = omit
        self._waits = Waits(server, self.sessions)
        self._pace = Pace(server, self._waits, patience)
        self._waking: list[Session] = []
        self._traces = Traces()
        self.settled = False  # after a death that nobody could notice: one continuation is enough
        self._ready: set[str] = set()

    # -- what can be asked

    def choices(self) -> list[Choice]:
        """Everything that can happen next, without preemption first."""
        if self._waking:
            return [Choice(session.worker, WAKE) for session in self._waking]
        ready = [name for name in self.sessions if name in self._ready]
        unseen = [name for name in ready if self.steps[name] and self.step(name).footprint.is_empty]
        if self._reduce and unseen:  # what nobody can notice need not be tried at other moments
            ready = unseen[:1]
        names = sorted(self._distinct(ready), key=lambda name: name != self.last)
        steps = [Choice(name) for name in names]
        if self.settled:
            return steps[:1]
        return steps + [
            fault
            for name in names
            for fault in self.budget.open_to(name, self.step(name), self.steps[name])
        ]

    def step(self, name: str) -> Step:
        """What the worker will do when it goes on."""
        return self.sessions[name].step

    def state(self, name: str) -> str:
        """ready, blocked or done."""
        if name in self._ready:
            return "ready"
        return "blocked" if self.sessions[name].blocked else "done"

    def signature(self) -> tuple[str, ...]:
        """Where each worker stands, in words that are the same in each run."""
        return tuple(
            f"{name} {state}{'' if state == 'done' else ': ' + self.step(name).text}"
            for name in self.sessions
            for state in [self.state(name)]
        )

    def stuck(self) -> list[Session]:
        """Workers that wait for one that has ended."""
        return [] if self.choices() else self._waits.blocked()

    def outcomes(self) -> list[Outcome]:
        """How each worker ended."""
        return [session.outcome for session in self.sessions.values()]

    # -- what can be done

    def begin(self) -> None:
        """Bring every worker to its first step."""
        for name in self._jobs:
            self._start(name)

    def take(self, choice: Choice) -> Footprint:
        """Let one thing happen; return what it touched, with all that it set going."""
        touched = self._take(choice)
        self._traces.note(choice.worker, touched)
        self.touched |= touched
        return touched

    def _take(self, choice: Choice) -> Footprint:
        self._waits.hold_if_several()
        self.taken.append(choice)
        self.last = choice.worker
        if choice.act == WAKE:
            self._waking = []
            return self._wake(self.sessions[choice.worker]) | self._wake_freed()
        touched = self._kill(choice.worker) if choice.act == KILL else self._go(choice)
        touched |= self._wake_freed()
        if choice.act == KILL and self._faults.comes_again(choice.worker):
            self._deliver_again(choice.worker)
        if self._omit and not self.budget.deaths_left:
            self._finish_ended()
        return touched

    def end(self) -> None:
        """End the run, finished or not: every worker unwinds, nothing stays open.

        Raises what the explorer refused to a worker, even where its code has caught it.
        """
        self._waits.thaw_all()
        for session in self._waits.blocked():
            self._server.cancel(session.pid)
            self._pace.expect(session, RETURNED)
            self._unwind(session, ABANDON)
        for name in list(self._ready):
            self._unwind(self.sessions[name], ABANDON)
        for session in self.sessions.values():
            session.go(CLEAN)
            self._pace.expect(session, CLEAN)
        for session in self.sessions.values():
            if session.refusal:
                raise session.refusal

    def thaw(self) -> None:
        """Let every backend go on that was held."""
        self._waits.thaw_all()

    # -- steps

    def _start(self, name: str) -> None:
        session = self.sessions[name] = self._team.session(name)
        session.may_die = self._faults.may_die(name)
        self.steps[name] = 0
        self._team.begin(session, self._jobs[name])
        self._await(session)

    def _go(self, choice: Choice) -> Footprint:
        session = self.sessions[choice.worker]
        step, held = session.step, session.held
        self._count(session)
        moment = Moment(choice.worker, step.shown or step.text)
        self.moments.append(moment)
        if choice.act == ACK:
            self.budget.strike(ACK, choice.worker, self.steps[choice.worker])
            moment.note = "done, but the reply is lost"
        session.waited = False
        self._ready.discard(choice.worker)
        session.go(choice.act)
        if not self._await(session):
            moment.note = f"waits for {self._waits.named(session)}"
        moment.answered(step)
        return _touched(session, step, held)

    def _kill(self, name: str) -> Footprint:
        session = self.sessions[name]
        self.budget.strike(KILL, name, self.steps[name])
        self.moments.append(
            Moment(name, "†", note=f"killed before: {session.step.shown or session.step.text}")
        )
        held = session.held | Footprint(keys=session.keys)
        self.settled = self._reduce and self._traces.vanishes(name)
        self._server.terminate(session.pid)
        self._unwind(session, KILL)
        return held

    def _deliver_again(self, name: str) -> None:
        again = f"{name}'"
        self._jobs[again] = self._jobs[name]
        self._start(again)

    def _finish_ended(self) -> None:
        """With no death left to come, the end of a job is no step that anybody could notice."""
        for name in list(self._ready):
            session = self.sessions[name]
            if session.step.kind == END:
                self._unwind(session, STEP)

    def _unwind(self, session: Session, order: str) -> None:
        self._ready.discard(session.worker)
        session.blocked = False
        session.go(order)
        self._pace.expect(session, ENDED)

    def _count(self, session: Session) -> None:
        self.steps[session.worker] += 1
        if self.steps[session.worker] > _MOST_STEPS:
            raise NeverEnds(
                f"{session.worker} made {_MOST_STEPS} steps and has not ended; it is at: "
                f"{session.step.text}. A loop that waits by asking again has no end here."
            )

    # -- waiting and waking

    def _wake_freed(self) -> Footprint:
        touched = NOTHING
        while freed := self._waits.freed():
            if len(freed) > 1:  # they are held; who goes first is a choice
                self._waking = freed
                return touched
            touched |= self._wake(freed[0])
        self._waits.thaw_all()
        return touched

    def _wake(self, session: Session) -> Footprint:
        """Its lock was granted: see how its statement ends, then let it run to its next step."""
        step, held = session.step, session.held
        moment = Moment(session.worker, "…")
        self.moments.append(moment)
        session.waited = False
        self._waits.thaw(session)
        if not self._await(session):
            moment.note = f"waits on, for {self._waits.named(session)}"
        moment.answered(step)
        return _touched(session, step, held)

    def _await(self, session: Session) -> bool:
        """True when the worker is at its next step or done, False when one of ours blocks it."""
        state = self._pace.let_run(session)
        if state == READY:
            self._ready.add(session.worker)
        return state != BLOCKED

    # -- which choices there are

    def _distinct(self, ready: list[str]) -> list[str]:
        """Of workers that do the same and have not begun, only the first may begin."""
        seen: set[int] = set()
        found = []
        for name in ready:
            if self._omit and not self.steps[name]:
                if id(self._jobs[name]) in seen:
                    continue
                seen.add(id(self._jobs[name]))
            found.append(name)
        return found


def _touched(session: Session, step: Step, held: Footprint) -> Footprint:
    """A statement that fails ends its transaction there and then: its locks are gone.

    What else it touched (a session's advisory lock, a broker's message) may go when its worker
    dies or loses its connection, even where no transaction is open.
    """
    touched = step.footprint | held if step.failed else step.footprint
    session.keys |= frozenset(key for key in step.footprint.keys if not is_drawn(key))
    if step.reply_lost:
        touched |= Footprint(keys=session.keys)
    return touched | Footprint(blocked=session.waited)
