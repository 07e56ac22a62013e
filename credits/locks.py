"""The reads that lock, named, always in primary-key order: two transactions never cross.

Order across tables: message (the outbox holds it), then campaign, then texts, then the community,
which is shared by everything and therefore held last and briefly; behind it only the count of its
day, which a text that is about to be sent takes without the community.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Sum

if TYPE_CHECKING:
    from credits.models import Campaign, Community, TextMessage  # noqa: F401


class CommunityQuerySet(models.QuerySet["Community"]):
    """Communities: changed by guarded updates, locked only where a number must not move."""

    def locked(self) -> Self:
        """Hold these communities. FOR NO KEY UPDATE: rows that point at one need not wait."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Campaigns: driver, pause, resume and cancel of the same one take turns."""

    def locked(self) -> Self:
        """Hold these campaigns until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")

    def locked_if_free(self) -> Self:
        """Hold those of these campaigns that nobody else holds: it never waits."""
        return self.select_for_update(of=("self",), no_key=True, skip_locked=True).order_by("pk")


class TextQuerySet(models.QuerySet["TextMessage"]):
    """Text messages."""

    def locked(self) -> Self:
        """Hold these texts: a reply, a callback, a listing and a cancel take turns."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")

    def locked_if_free(self) -> Self:
        """Hold those of these texts that nobody else holds: it never waits."""
        return self.select_for_update(of=("self",), no_key=True, skip_locked=True).order_by("pk")

    def waiting(self) -> Self:
        """Those not sent yet, which a campaign's end skips."""
        return self.filter(state="queued")

    def holding(self) -> Self:
        """Those whose credits are held: their outcome is open."""
        return self.filter(state__in=["queued", "sending", "unknown"])

    def segments(self) -> int:
        """The credits that these texts cost."""
        return int(self.order_by().aggregate(sum=Sum(F("segments")))["sum"] or 0)
