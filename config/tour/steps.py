"""The five steps: what to press, what one sees, why it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse

View = Callable[..., HttpResponse]


MANAGE = ".venv/bin/python manage.py"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `name` is its button's address; without one there is a link, or a command."""

    title: str
    see: str
    why: str
    button: str
    name: str = ""
    view: str = ""
    command: str = ""


STEPS = (
    Step(
        title="Press twice",
        name="press-twice",
        button="Press twice, deliver four times",
        see="One reduction, applied once. Its message's page shows three deliveries refused.",
        why="Both presses carry one key, and a unique constraint lets one of them create it. Every "
        "delivery looks for the row: one gets its lock, the others find it taken or done.",
        command=f"{MANAGE} reduce_price DEMO-1 --percent 1 --key again",
    ),
    Step(
        title="Kill a worker",
        name="kill-worker",
        button="Kill -9 the main worker",
        see="It is started again within a second, and all thirty reductions are applied once.",
        why="The row's lock is the lease, and it falls with the connection. Effect and mark "
        "were one transaction: undone together, so whoever comes next finds the job untouched.",
        command="pkill -9 -f 'celery.*worker-main@'",
    ),
    Step(
        title="Flush the broker",
        name="flush-broker",
        button="Empty the broker",
        see="A pause of a second or two; then all is applied, once.",
        why="A Celery task is only the bell. The jobs are rows, and the relay looks every second "
        "for what is due and rings again.",
        command=".venv/bin/celery -A config purge -f",
    ),
    Step(
        title="The naive twin against the fixed one",
        view="races:index",
        button="Open the race lab",
        see="As people write it first, the job spends one credit twice, in a schedule of six "
        "statements; the fixed one does so in none.",
        why="The explorer looks for a schedule of statements that breaks the first, and runs the "
        "second through all of them, on a real PostgreSQL. Nothing is left to luck.",
        command=f"{MANAGE} races one_credit_is_spent_once --draw",
    ),
    Step(
        title="Redrive a dead letter",
        name="bury",
        button="Make a dead letter",
        see="A message that failed for good, with its whole story. Press Redrive: it runs again, "
        "under the same id and key, and is done.",
        why="What machines cannot settle goes to a person, and is never dropped. Redriven, it "
        "keeps its key, so no other message can have done the same thing meanwhile.",
        command=f"{MANAGE} dead_letters list",
    ),
)
