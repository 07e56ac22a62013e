"""Where in the order of due messages to begin looking, as a dispatch carries it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils.dateparse import parse_datetime


class Position(NamedTuple):
    """A place in the index of a handler's due messages: a hint for speed, and no more."""

    due_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.due_at.isoformat()} {self.id}"

    @classmethod
    def parse(cls, text: object) -> "Position | None":
        """The position that `str` wrote; None for anything else, since anybody may have sent it."""
        try:
            moment, _, first = str(text).partition(" ")
            due_at = parse_datetime(moment)
            return cls(due_at, UUID(first)) if due_at and due_at.tzinfo else None
        except ValueError:
            return None
