"""What a worker does next, and what came of it."""

from dataclasses import dataclass
from typing import Any

from .dependency import NOTHING, Footprint

STATEMENT, COMMIT, ROLLBACK, POINT, END = "statement", "commit", "rollback", "point", "end"


@dataclass
class Step:
    """One step: a statement, a commit, a rollback, a point, or the end of the job."""

    kind: str
    text: str
    footprint: Footprint = NOTHING
    may_lose_reply: bool = False
    shown: str = ""  # the text with its values, for people
    result: str = ""
    failed: bool = False
    reply_lost: bool = False  # and the connection
    malformed: bool = False  # PostgreSQL did not understand it


@dataclass
class Moment:
    """One line of a timeline: a step that was made, or a statement that went on after a wait."""

    worker: str
    text: str
    result: str = ""
    note: str = ""
    malformed: bool = False

    def answered(self, step: Step) -> None:
        """What came of the step, as far as it has come."""
        self.result, self.malformed = step.result, step.malformed


@dataclass
class Outcome:
    """How a worker's callable ended: its value, or its error (Killed where its process died)."""

    worker: str
    value: Any = None
    error: BaseException | None = None
