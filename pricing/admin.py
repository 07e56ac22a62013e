"""Pricing in Django's admin: to look at. What changes goes through the services and their pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from pricing.models import PriceChange, PriceReduction, Product, ReductionTarget


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


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ["sku", "name", "category", "price", "floor", "version"]
    list_filter = ["category"]
    search_fields = ["sku", "name", "category"]


@admin.register(PriceReduction)
class PriceReductionAdmin(ReadOnlyAdmin):
    list_display = ["id", "scope", "terms", "status", "reason", "created_by", "created_at"]
    list_filter = ["status", "if_price_changed"]
    list_select_related = ["product"]
    search_fields = ["product__sku", "category", "operation_id"]


@admin.register(ReductionTarget)
class ReductionTargetAdmin(ReadOnlyAdmin):
    list_display = ["reduction", "product", "based_on_version", "outcome", "reason"]
    list_filter = ["outcome"]
    list_select_related = ["product", "reduction__product"]
    search_fields = ["product__sku"]


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    list_display = ["product", "version", "old_price", "new_price", "cause", "actor", "at"]
    list_filter = ["cause"]
    list_select_related = ["product"]
    search_fields = ["product__sku", "actor"]
