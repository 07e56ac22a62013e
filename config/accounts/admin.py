"""API tokens for the admin: see who holds which, and revoke."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from . import tokens
from .models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens are made by ``manage.py api_token`` and never changed, only revoked."""

    list_display = ("hint", "user", "created_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at",)
    search_fields = ("user__username", "hint")
    readonly_fields = ("hint", "user", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """Revoke, and say how many were still valid."""
        ended = sum(
            tokens.revoke_token(token_id=pk) for pk in queryset.values_list("pk", flat=True)
        )
        self.message_user(request, f"Revoked {ended} of {queryset.count()}.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the command makes tokens: it is the one place that can show them."""
        return False
