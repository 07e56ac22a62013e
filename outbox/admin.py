"""Messages in Django's admin: search, filter, one message's whole life, and what a person may do.

Nothing is edited here. A message changes only through `cancel`, `redrive` and `discard`, which
hold its row and write down who did it.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from outbox import deadletters, handlers, selectors
from outbox.errors import NotRedrivable
from outbox.models import Event, IdempotencyKey, Message, Run
from outbox.monitoring import search
from outbox.monitoring.search import Query

MOST_COUNTED = 10_000
"""Rows that are counted for a list's footnote: all of ten million would take seconds."""

NEWEST = 2_000
"""Messages among which the admin's filters look. The operations pages go on from there."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Pages of a list whose count goes no further than MOST_COUNTED."""

    @cached_property
    def count(self) -> int:
        """The number of rows, up to MOST_COUNTED."""
        return int(self.object_list.order_by()[:MOST_COUNTED].count())  # type: ignore[attr-defined]


class StateFilter(admin.SimpleListFilter):
    """States, along the index of those that have ended."""

    title = f"state (of the newest {NEWEST:,} of it)"
    parameter_name = "state"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        """Every state."""
        return list(Message.State.choices)

    def queryset(self, _: HttpRequest, found: QuerySet[Message]) -> QuerySet[Message]:
        """Those in the chosen state, which have a finish time exactly if they have ended."""
        if self.value() is None:
            return found
        ended = self.value() not in Message.WAITING
        of_state = Message.objects.filter(state=self.value(), finished_at__isnull=not ended)
        newest = of_state.order_by("-finished_at" if ended else "-id").values("id")[:NEWEST]
        return found.filter(state=self.value(), id__in=Subquery(newest))


class HandlerFilter(admin.SimpleListFilter):
    """Handlers, from the registry: to look for their names among the messages takes too long."""

    title = f"handler (of the newest {NEWEST:,})"
    parameter_name = "handler"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        """Every handler of this release."""
        return [(name, name) for name in handlers.names()]

    def queryset(self, _: HttpRequest, found: QuerySet[Message]) -> QuerySet[Message]:
        """Those of the chosen handler."""
        if self.value() is None:
            return found
        newest = Message.objects.order_by("-id").values("id")[:NEWEST]
        return found.filter(handler=self.value(), id__in=Subquery(newest))


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rows that only the outbox writes."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ReadOnly):
    """`outbox.change_message` lets somebody act; `outbox.view_message` lets them look."""

    list_display = (
        "id",
        "handler",
        "state",
        "due_at",
        "attempts",
        "crashes",
        "key",
        "last_error_start",
    )
    list_filter = (StateFilter, HandlerFilter)
    search_fields = ("id",)  # what is looked for where is said in get_search_results
    search_help_text = (
        "A message id, operation id, key or group; or, among the newest, a task id or part of the "
        "arguments or of an error"
    )
    paginator = BoundedPaginator
    ordering = ("-id",)
    list_per_page = 40
    show_full_result_count = False  # counting ten million rows for a footnote takes seconds
    actions = ("cancel", "redrive", "discard")
    readonly_fields = ("story",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """As the search of `monitoring` finds them; Django's own reads every row."""
        text = search_term.replace("\x00", "").strip()[: search.LONGEST_TEXT]
        if not text:
            return queryset, False
        ids = [message.pk for message in search.find(Query(text=text)).messages]
        return queryset.filter(pk__in=ids), False

    @admin.display(description="last error")
    def last_error_start(self, message: Message) -> str:
        """The first line, for the list."""
        return message.last_error.partition("\n")[0][:80]

    @admin.display(description="story")
    def story(self, message: Message) -> SafeString:
        """Everything that befell the message, in order."""
        lines = [
            (event.at.isoformat(sep=" ", timespec="milliseconds"), event.kind, _words(event.detail))
            for event in selectors.story(message.id)
        ]
        return format_html(
            "<table><tr><th>when (UTC)</th><th>what</th><th>details</th></tr>{}</table>",
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", lines),
        )

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether this person may act on messages; Django asks by this name."""
        return request.user.has_perm("outbox.change_message")

    @admin.action(description="Cancel those that wait", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """End the waiting ones; what is being run or has ended is left alone, and said so."""
        who = request.user.get_username()

        def act(message_id: UUID) -> str:
            reason = f"cancelled by {who}"
            with transaction.atomic():
                done = deadletters.cancel(message_id, reason=reason, actor=who, goes_on=False)
            return "" if done else f"{message_id} is being run or has ended."

        self._each(request, queryset, act, "cancelled")

    @admin.action(description="Redrive those that ended without being done", permissions=["act"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Row by row; conflicts are reported and hold up nothing else."""

        def act(message_id: UUID) -> str:
            try:
                deadletters.redrive(message_id, actor=request.user.get_username())
            except NotRedrivable as refused:
                return str(refused)
            return ""

        self._each(request, queryset, act, "redriven")

    @admin.action(description="Discard the dead ones", permissions=["act"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Give the dead ones up; their groups go on."""
        who = request.user.get_username()

        def act(message_id: UUID) -> str:
            reason = f"discarded by {who}"
            done = deadletters.discard(message_id, reason=reason, actor=who, goes_on=False)
            return "" if done else f"{message_id} is not dead."

        self._each(request, queryset, act, "discarded")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Message],
        act: Callable[[UUID], str],
        verb: str,
    ) -> None:
        refused = [act(message_id) for message_id in queryset.values_list("id", flat=True)]
        problems = [problem for problem in refused if problem]
        self.message_user(request, f"{len(refused) - len(problems)} {verb}.", messages.SUCCESS)
        for problem in problems[:10]:
            self.message_user(request, problem, messages.WARNING)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly):
    """Which operations are taken, and until when."""

    list_display = ("key", "rule", "until", "message_id")
    search_fields = ("key__exact",)
    show_full_result_count = False
    paginator = BoundedPaginator


@admin.register(Run)
class RunAdmin(ReadOnly):
    """What each worker is doing at this moment."""

    list_display = ("worker", "handler", "started_at", "task_id")


@admin.register(Event)
class EventAdmin(ReadOnly):
    """Failures and decisions, newest first."""

    list_display = ("at", "kind", "message", "attempt", "actor", "worker")
    list_filter = ("kind",)
    list_select_related = ("message",)
    ordering = (models.F("at").desc(),)
    show_full_result_count = False
    paginator = BoundedPaginator


def _words(detail: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in detail.items())
