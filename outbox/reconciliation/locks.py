"""The reads that lock, named; and the sets of findings that people ask for."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery

if TYPE_CHECKING:
    from outbox.reconciliation.models import Finding, Reconciliation  # noqa: F401


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    """Runs, and the two ways to hold one: wait for whoever takes a step, or leave it to them."""

    def under_way(self) -> Self:
        """The one that runs, if any."""
        return self.filter(running=True)

    def locked(self) -> Self:
        """Hold it: steps of one run take turns."""
        return self.select_for_update(no_key=True).order_by("pk")

    def at_rest(self) -> Self:
        """Hold it unless somebody is taking a step of it, who is alive, then."""
        return self.select_for_update(no_key=True, skip_locked=True)


class FindingQuerySet(models.QuerySet["Finding"]):
    """Findings, and what people said to them."""

    def locked(self) -> Self:
        """Hold these findings: two people who act on one take turns."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")

    def with_last_act(self) -> Self:
        """Annotates `last_act`: "acknowledge", "reopen", or None."""
        from outbox.reconciliation.models import FindingAct

        acts = FindingAct.objects.filter(finding=OuterRef("pk")).order_by("-id")
        return self.annotate(last_act=Subquery(acts.values("kind")[:1]))

    def for_a_person(self) -> Self:
        """What no machine could mend and nobody has acknowledged. Dry runs ask nobody."""
        unmended = self.filter(repaired=False, reconciliation__dry_run=False).with_last_act()
        return unmended.filter(Q(last_act=None) | Q(last_act="reopen"))
