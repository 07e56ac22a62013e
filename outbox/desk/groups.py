"""Dead letters by what went wrong: a fingerprint is the handler and the error without its ids."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Func, Max, Min, QuerySet, TextField, Value
from django.db.models.functions import MD5, Concat, Left

from outbox.models import Message

LONGEST_SUMMARY = 200
ANY_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{16,}|[0-9]+"
"""What differs between two messages that met the same thing: ids, digests, numbers."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which dead letters: those named, or all of a handler, of a fingerprint, or of both."""

    ids: tuple[UUID, ...] = ()
    handler: str = ""
    fingerprint: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the audit log keeps it; an empty one means: all."""
        every = {
            "ids": [str(one) for one in self.ids[:1_000]],
            "handler": self.handler,
            "fingerprint": self.fingerprint,
        }
        return {name: value for name, value in every.items() if value}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Dead letters that met the same thing."""

    fingerprint: str
    handler: str
    summary: str
    count: int
    first: datetime
    last: datetime
    example: UUID = field(repr=False)


def dead(selection: Selection = Selection()) -> QuerySet[Message]:
    """The dead letters of a selection, oldest first, each with `summary` and `fingerprint`."""
    found = Message.objects.filter(state=Message.State.DEAD).annotate(summary=_SUMMARY)
    found = found.annotate(
        fingerprint=Left(MD5(Concat(F("handler"), Value("\n"), F("summary"))), 12)
    )
    every = {
        "id__in": selection.ids,
        "handler": selection.handler,
        "fingerprint": selection.fingerprint,
    }
    found = found.filter(**{name: value for name, value in every.items() if value})
    return found.order_by("finished_at", "id")


def groups(
    selection: Selection = Selection(), *, most: int = 200, among: int | None = None
) -> list[Group]:
    """What went wrong, the most frequent first, with times and the latest message as example.

    Given `among`, only so many of the newest dead letters are looked at. One query.
    """
    found = dead(selection)
    if among is not None:
        buried = Message.objects.filter(state=Message.State.DEAD, finished_at__isnull=False)
        found = found.filter(id__in=buried.order_by("-finished_at").values("id")[:among])
    counted = (
        found.order_by()
        .values(*("fingerprint", "handler", "summary"))
        .annotate(
            count=Count("id"),
            first=Min("finished_at"),
            last=Max("finished_at"),
            ids=ArrayAgg("id", order_by=("-finished_at", "-id")),
        )
        .order_by("-count", "fingerprint")[:most]
    )
    return [Group(example=row.pop("ids")[0], **row) for row in map(dict, counted)]


_SUMMARY = Left(
    Func(
        Func(F("last_error"), Value("\n"), Value(1), function="split_part"),
        Value(ANY_ID),
        Value("#"),
        Value("gi"),
        function="regexp_replace",
        output_field=TextField(),
    ),
    LONGEST_SUMMARY,
)
