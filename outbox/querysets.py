"""The reads that lock, named, so that every lock of the outbox can be reviewed on one page.

Each skips what others hold: nothing in the outbox ever waits for a message's lock, hence no two
of its transactions can wait for each other.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Self
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Now


class MessageQuerySet(models.QuerySet["Message"]):  # type: ignore[name-defined]
    """Messages by where they are in their life. `Now()` is the database's clock."""

    def due(self, handler: str) -> Self:
        """Those of a handler whose time has come."""
        return self.filter(handler=handler, state="pending", due_at__lte=Now())

    def waiting(self) -> Self:
        """Those that have not ended: waiting for their time, a worker or their group's turn."""
        return self.filter(state__in=["pending", "parked"])

    def among(self, ids: Iterable[UUID]) -> Self:
        """Those with these ids."""
        return self.filter(id__in=list(ids))

    def never_run(self) -> Self:
        """Those whose next run is their first, as far as anybody knows."""
        return self.filter(attempts=0, crashes=0, alone=False)

    def unrecorded(self) -> Self:
        """Those that no run record names. Courtesy, so that two workers do not pick the same."""
        recorded = apps.get_model("outbox", "Run").objects.values_list(
            Func(F("message_ids"), function="unnest"), flat=True
        )
        return self.exclude(id__in=recorded)

    def in_claim_order(self) -> Self:
        """Longest due first."""
        return self.order_by("due_at", "id")

    def held(self) -> Self:
        """Take their row locks, which is the lease; skip those that somebody else holds."""
        return self.select_for_update(skip_locked=True, no_key=True)


class RunQuerySet(models.QuerySet["Run"]):  # type: ignore[name-defined]
    """Run records."""

    def gone(self, grace: timedelta) -> Self:
        """Hold those that no run holds, older than the moment between opening and taking one."""
        return self.filter(started_at__lt=Now() - grace).select_for_update(skip_locked=True)
