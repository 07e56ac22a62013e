"""Messages in Django's admin: search, filter, one message's whole life, and what a person may do.

Nothing is edited here. A message changes only through `cancel`, `redrive` and `discard`, which
hold its row and write down who did it.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from outbox import deadletters, selectors
from outbox.errors import NotRedrivable
from outbox.models import Event, IdempotencyKey, Message, Run


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
    list_filter = ("state", "handler")
    search_fields = ("=id", "=operation_id", "=key", "=group", "=task_id", "handler")
    search_help_text = (
        "An exact message id, operation id, key, group or task id; or part of a handler"
    )
    ordering = ("-id",)
    show_full_result_count = False  # counting ten million rows for a footnote takes seconds
    actions = ("cancel", "redrive", "discard")
    readonly_fields = ("story",)

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
            with transaction.atomic():
                done = deadletters.cancel(message_id, reason=f"cancelled by {who}", actor=who)
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
            done = deadletters.discard(message_id, reason=f"discarded by {who}", actor=who)
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
    search_fields = ("=key", "=message_id")
    show_full_result_count = False


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


def _words(detail: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in detail.items())
