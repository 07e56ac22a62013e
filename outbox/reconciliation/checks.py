"""What a check is: it looks at pages of rows, confirms a suspicion, and repairs what it can."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

NOT_COMPARED = "provider_out_of_reach"
"""The type of a finding that says: who was to be asked did not answer, and nothing was compared."""


@dataclass(frozen=True)
class Page:
    """Some rows that were looked at, the suspicious ones among them, and where to go on."""

    rows: int
    subjects: list[str]
    next: str | None
    """Give it to the next `page`; None: these were the last."""


@dataclass(frozen=True)
class Suspect:
    """A confirmed difference. `evidence` is plain JSON: what was seen, beside what should be."""

    type: str
    subject: str
    evidence: dict[str, Any] = field(default_factory=dict)
    severity: str = "error"  # or "warning"


class Check(ABC):
    """One comparison. Make one, and `register` it."""

    name: str
    """`app.what_should_not_be`."""

    @abstractmethod
    def page(self, after: str) -> Page:
        """Look at the rows behind `after` ("" at first): quickly, locking nothing.

        It may suspect wrongly, since others are at work meanwhile.
        """

    @abstractmethod
    def confirm(self, subject: str) -> Suspect | None:
        """Look again, at this subject alone, in one statement or with its rows locked.

        None: all is well, or somebody is at it at this moment; then the next run will tell.
        """

    def repair(self, suspect: Suspect) -> str:
        """Mend it, in the transaction of `confirm`, and say what was done; "": needs a person.

        A repair must change nothing where nothing needs it any more.
        """
        return ""

    def address(self, suspect: Suspect) -> str:
        """The page on which a person looks at its subject; "" where there is none.

        It is asked for each line of a list, so it asks the database nothing.
        """
        return ""


def paged(sql: str, after: str, start: Sequence[Any], size: int, *first: Any) -> Page:
    """A page of a statement that walks along an index.

    The statement takes the parameters in `first`, the columns of the row before it (`start` for the
    first page), then the limit; it yields the same columns for each row, then a subject, or NULL
    where all is well.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [*first, *(json.loads(after) if after else start), size])
        rows = cursor.fetchall()
    more = json.dumps([str(column) for column in rows[-1][:-1]]) if len(rows) == size else None
    return Page(len(rows), [str(row[-1]) for row in rows if row[-1] is not None], more)


_checks: dict[str, Check] = {}


def register(check: Check) -> Check:
    """Have the check run every night, and by `manage.py reconcile`. Returns it.

    A second one of the same name replaces the first.
    """
    _checks[check.name] = check
    return check


def registered() -> dict[str, Check]:
    """All checks by name, in the order of their names."""
    return {name: _checks[name] for name in sorted(_checks)}
