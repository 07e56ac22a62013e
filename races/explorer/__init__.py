"""Runs every interleaving of a few workers' statements against a real PostgreSQL.

Two or three ordinary callables run each in its own thread on its own connection; every statement,
commit and rollback is a point where another may go on, and where a process may die. The listing
reads as the story goes:

======================  ============================================================
``question``            who works, on what, what must be true, what may go wrong
``race``, ``verdict``   asking it from tests; the answers
``explorer``            one scenario at a time on a database that is put back
``search``              depth first over all schedules, with sleep sets
``schedule``            a schedule's short text: ``A*1 B*4 A*3``
``run``, ``waits``      one run: who goes on, who waits for whom, who dies
``faults``, ``traces``  what may go wrong, and whether a death makes a difference
``session``, ``pace``   a worker's thread; letting it run until it stops
``wiretap``             the ear on its connection
``dependency``          which steps may be swapped unseen
``statement``, ``text``, ``transaction``, ``catalog``  what a step touches
``server``, ``reset``   the power over PostgreSQL; the way back
``timeline``, ``answers``  drawing what happened
``points``              yield points for what is not SQL
``mutation``            taking one lock out of the SQL
``celery_broker``, ``redis_points``  real Celery tasks, a real Redis (both optional)
``programs``, ``reduction``  the reduction, tried on random programs
======================  ============================================================

What would be several steps at once, or none, is refused (NoYieldPoint): COPY, several statements in
one text, executemany(), rows locked through a cursor that PostgreSQL keeps. So is LOCK TABLE …
NOWAIT, which alone could tell when one that has but read commits; in a function it goes unseen.

What lies inside one statement is not explored. Nor is *when* waiting workers go on: they do so
within the step that frees them, where PostgreSQL might let another overtake them first; of several
only their order among themselves is a choice. A circle of waits that leads through a place in a
lock's queue is cut as a deadlock, where PostgreSQL would rearrange the queue.
"""

from .errors import (
    Divergence,
    ExplorerError,
    Killed,
    NeverCameBack,
    NeverEnds,
    ScheduleDoesNotFit,
    ServerNotControlled,
    ThreadLeftBehind,
)
from .explorer import Explorer
from .points import point
from .question import Question
from .race import NotProven, NotRefuted, Race
from .step import Outcome
from .verdict import Verdict, Violation, prove, refute, replay

__all__ = [
    "Divergence",
    "Explorer",
    "ExplorerError",
    "Killed",
    "NeverCameBack",
    "NeverEnds",
    "NotProven",
    "NotRefuted",
    "Outcome",
    "Question",
    "Race",
    "ScheduleDoesNotFit",
    "ServerNotControlled",
    "ThreadLeftBehind",
    "Verdict",
    "Violation",
    "point",
    "prove",
    "refute",
    "replay",
]
