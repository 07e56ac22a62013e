"""Is every lock needed? Takes one out of the SQL at a time and demands a schedule that breaks."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import connections

from races.explorer import Explorer, ExplorerError, NeverEnds, Question, Verdict, replay
from races.explorer.errors import NoValidSql
from races.explorer.mutation import Mutation, Rewrite, mutations, plain_insert
from races.explorer.question import Job
from races.explorer.verdict import refute
from races.scenario import HOLDS, Form, Scenario
from races.spare import SPARE

MOST_SCHEDULES = 60  # tried for one mutant before it counts as unbroken
MOST_DEATHS = 20  # of schedules with one
MOST_RACES = 3  # in which what is spare in every race is tried before that is believed


@dataclass
class Mutant:
    """One thing taken out, and whether that broke the claim."""

    scenario: str
    strategy: str
    removed: str
    broken: bool
    schedule: str = ""
    message: str = ""
    reason: str = ""  # why it is there all the same
    unexplored: str = ""  # why nothing can be learnt
    capped: bool = False  # nothing broke in as many schedules as were tried, and there are more
    error: str = ""  # why it could not be explored

    @property
    def is_right(self) -> bool:
        """Needed, or known to be there for something else; where nothing was learnt, it says so."""
        return not self.error and (self.broken or bool(self.reason or self.unexplored))

    @property
    def in_words(self) -> str:
        """One line."""
        what = f"{self.scenario} | {self.strategy} | without {self.removed}:"
        if self.broken:
            return f"{what} broken at {self.schedule}: {self.message}"
        if self.error or self.unexplored:
            return f"{what} {self.error or self.unexplored}"
        tried = " in what was tried" if self.capped else ""
        return f"{what} nothing breaks{tried}; {self.reason or 'NO REASON KNOWN'}"

    def as_dict(self) -> dict[str, Any]:
        """The fields of the contract, and more."""
        return {
            "scenario": self.scenario,
            "removed": self.removed,
            "broken": self.broken,
            "strategy": self.strategy,
            "schedule": self.schedule,
            "message": self.message,
            "reason": self.reason,
            "unexplored": self.unexplored,
            "capped": self.capped,
            "error": self.error,
        }


def run_all(explorer: Explorer, chosen: Sequence[tuple[Scenario, str, Form]]) -> Iterator[Mutant]:
    """Every mutant of every form that holds; of code that forms share, until it is known."""
    known: Counter[str] = Counter()
    for scenario, form in _worth_mutating(chosen):
        yield from run(explorer, scenario, form, known if form.ours else Counter())


def _worth_mutating(
    chosen: Sequence[tuple[Scenario, str, Form]],
) -> Iterator[tuple[Scenario, Form]]:
    """Every form that holds, but those whose workers stood in an earlier form of the race.

    Two of a kind stand for three.
    """
    earlier: dict[str, list[Counter[Job]]] = {}
    for scenario, kind, form in chosen:
        if kind == HOLDS:
            many = Counter(form.question.workers)
            workers = Counter({job: min(number, 2) for job, number in many.items()})
            if not any(workers <= others for others in earlier.setdefault(scenario.name, [])):
                yield scenario, form
            earlier[scenario.name].append(workers)


def run(
    explorer: Explorer, scenario: Scenario, form: Form, known: Counter[str]
) -> Iterator[Mutant]:
    """Every mutant of one form, but those that are ``known`` from other forms.

    What broke another race is needed, and what is spare in every race was tried in some of them.
    What is spare in one race alone is tried in each: another may need it.
    """
    try:
        statements = _statements(explorer, form.question)
    except ExplorerError as error:
        yield Mutant(scenario.name, form.name, "anything", False, error=_named(error))
        return
    for mutation in mutations(statements):
        if known[mutation.mutant] >= MOST_RACES:
            continue
        broken = partial(_breaks_without, explorer, form.question, mutation)
        mutant = _mutant(scenario, form, _shortened(mutation), broken)
        if mutant.broken:
            known[mutation.mutant] = MOST_RACES
        elif mutant.unexplored or mutant.reason in SPARE.values():
            known[mutation.mutant] += 1
        yield mutant
    yield from run_constraints(explorer, scenario, form)


def run_constraints(explorer: Explorer, scenario: Scenario, form: Form) -> Iterator[Mutant]:
    """The form without each of the constraints that it names; an upsert becomes a plain insert."""
    for table, constraint in form.constraints:
        with _without(explorer, table, constraint) as plainly:
            broken = partial(_breaks, explorer, form.question.but(mutate=plainly))
            mutant = _mutant(scenario, form, f"constraint {constraint}", broken)
        yield mutant


def _mutant(scenario: Scenario, form: Form, removed: str, broken: Callable[[], Verdict]) -> Mutant:
    mutant = Mutant(scenario.name, form.name, removed, broken=False)
    try:
        verdict = broken()
    except NoValidSql as error:
        return replace(mutant, unexplored=f"no valid SQL: {error}")
    except NeverEnds:
        return replace(mutant, unexplored=_LIVELOCK)
    except ExplorerError as error:  # of which nobody knows what it says about the lock
        return replace(mutant, error=_named(error))
    if verdict.violations:
        found = verdict.violations[0]
        return replace(mutant, broken=True, schedule=found.schedule, message=found.message)
    reasons = [why for part, why in {**form.spare, **SPARE}.items() if part in removed]
    return replace(mutant, reason=reasons[0] if reasons else "", capped=not verdict.complete)


_LIVELOCK = (
    "could not be explored: a worker asks again without end, which under a scheduler that lets "
    "nobody else go on is a livelock, and no broken claim"
)


def _named(error: ExplorerError) -> str:
    return f"could not be explored: {type(error).__name__}: {error}"


def _breaks_without(explorer: Explorer, question: Question, mutation: Mutation) -> Verdict:
    found = _breaks(explorer, question.but(mutate=mutation))
    mutation.demand_met()
    return found


def _breaks(explorer: Explorer, question: Question) -> Verdict:
    """Without deaths first: most locks are there for the living."""
    found = _tried(explorer, question.but(kills=0), MOST_SCHEDULES)
    if not found.violations and question.kills:
        dying = _tried(explorer, question, MOST_DEATHS)
        found = replace(dying, complete=found.complete and dying.complete)
    return found


def _tried(explorer: Explorer, question: Question, most: int) -> Verdict:
    latest: list[Verdict] = []

    def enough(verdict: Verdict) -> None:
        latest[:] = [verdict]
        _demand_valid_sql(verdict)
        if verdict.violations or verdict.schedules + verdict.cut >= most:
            raise _Enough

    try:
        return refute(explorer, question, enough)
    except _Enough:
        return latest[0]


def _demand_valid_sql(verdict: Verdict) -> None:
    """An error in the mutant's SQL breaks every claim, and a caught one none."""
    broken = verdict.violations
    for moment in broken[0].moments if broken else verdict.example_moments:
        if moment.malformed:
            raise NoValidSql(moment.result)


class _Enough(Exception):
    pass


def _statements(explorer: Explorer, question: Question) -> list[str]:
    """What the workers say to the database when nobody disturbs them."""
    seen: list[str] = []

    def note(sql: str) -> str:
        seen.append(sql)
        return sql

    replay(explorer, question.but(mutate=note, kills=0), "")
    return seen


def _shortened(mutation: Mutation) -> str:
    verb_and_table = " ".join(mutation.statement.replace('"', "").split()[:2])
    if mutation.statement.startswith("SELECT"):
        verb_and_table = "SELECT " + _table(mutation.statement)
    removed = " ".join(mutation.removed.replace('"', "").split())
    return f"{removed} in {verb_and_table}"


def _table(sql: str) -> str:
    words = sql.replace('"', "").split()
    return words[words.index("FROM") + 1] if "FROM" in words else ""


@contextmanager
def _without(explorer: Explorer, table: str, constraint: str) -> Iterator[Rewrite]:
    """The table without one of its constraints; an upsert that leans on it is a plain insert.

    On this thread's connection, where what comes afterwards is done, that is seen to here; the
    workers' statements are for the caller to rewrite.
    """
    connection = explorer.server.connection
    row = connection.execute(
        "SELECT pg_get_constraintdef(oid), ARRAY(SELECT attname::text FROM pg_attribute "
        "WHERE attrelid = conrelid AND attnum = ANY(conkey)) "
        "FROM pg_constraint WHERE conname = %s",
        [constraint],
    ).fetchone()
    if row is None:
        raise LookupError(f"There is no constraint {constraint}.")
    _alter(connection, f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint}"')
    plainly = plain_insert(table, row[1])

    def said(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(plainly(sql), params, many, context)

    try:
        with connections[explorer.alias].execute_wrapper(said):
            yield plainly
    finally:
        _alter(connection, f'ALTER TABLE "{table}" ADD CONSTRAINT "{constraint}" {row[0]}')


def _alter(connection: Any, sql: str) -> None:
    run_sql: Callable[[Any], Any] = connection.execute
    run_sql(sql)
