"""Credits in Django's admin: to look at. What changes goes through the services and their pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from credits.models import (
    Campaign,
    Community,
    CreditEntry,
    DailyCount,
    Finding,
    Member,
    TextMessage,
)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Search and read; nothing can be added, changed or deleted here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Community)
class CommunityAdmin(ReadOnlyAdmin):
    list_display = ["slug", "name", "credits", "held", "daily_cap", "unknown_policy"]
    search_fields = ["slug", "name"]


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ["name", "community", "phone", "opted_out_at"]
    list_select_related = ["community"]
    search_fields = ["name", "phone"]


@admin.register(CreditEntry)
class CreditEntryAdmin(ReadOnlyAdmin):
    list_display = ["community", "kind", "amount", "operation", "actor", "at"]
    list_filter = ["kind"]
    list_select_related = ["community"]
    search_fields = ["operation", "actor"]


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ["id", "community", "status", "members", "created_by", "created_at"]
    list_filter = ["status"]
    list_select_related = ["community"]
    search_fields = ["community__slug", "text"]


@admin.register(TextMessage)
class TextMessageAdmin(ReadOnlyAdmin):
    list_display = ["id", "campaign_id", "phone", "state", "reason", "sid", "finished_at"]
    list_filter = ["state"]
    search_fields = ["phone", "sid"]


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display = ["text_id", "kind", "sid", "evidence", "at"]
    list_filter = ["kind"]


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnlyAdmin):
    list_display = ["community", "day", "texts"]
    list_select_related = ["community"]
