"""The reads that lock, named, so that the outbox's locks can be reviewed on one page.

The consumer's own claims are in `claims.py`. Both skip what others hold: nothing in the outbox ever
waits for a message's lock, hence no two of its transactions can wait for each other.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from outbox.models import Message, Run  # noqa: F401


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages by where they are in their life. `Now()` is the database's clock."""

    def waiting(self) -> Self:
        """Those that have not ended: waiting for their time, a worker or their group's turn."""
        return self.filter(state__in=["pending", "parked"])

    def among(self, ids: Iterable[UUID]) -> Self:
        """Those with these ids."""
        return self.filter(id__in=list(ids))

    def in_claim_order(self) -> Self:
        """Longest due first."""
        return self.order_by("due_at", "id")

    def held(self) -> Self:
        """Take their row locks, which is the lease; skip those that somebody else holds."""
        return self.select_for_update(skip_locked=True, no_key=True)


class RunQuerySet(models.QuerySet["Run"]):
    """Run records."""

    def gone(self, grace: timedelta) -> Self:
        """Hold those that no run holds, older than the moment between opening and taking one."""
        return self.filter(started_at__lt=Now() - grace).select_for_update(skip_locked=True)
