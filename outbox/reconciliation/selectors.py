"""Reads for pages and checks: what waits for a person, what each run found, how that went on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from outbox.reconciliation.checks import NOT_COMPARED, Suspect
from outbox.reconciliation.models import Finding, Reconciliation

RECENT = 200
"""Runs that are looked through for the latest one of each check: months of nights."""

FARTHEST = timedelta(days=45)
"""How far back a check looks at most, however long no night came to its end."""


@dataclass(frozen=True)
class Tally:
    """What a run found."""

    repaired: int = 0
    left: int = 0  # what it could not mend; in a dry run, all

    @property
    def found(self) -> int:
        """All of it."""
        return self.repaired + self.left


def open_findings() -> QuerySet[Finding]:
    """What waits for a person now: left by the latest finished run of its check, newest first.

    What an earlier run left and the latest one did not find again is well by now.
    """
    wanted = Q(pk__in=[])
    for run_id, names in _latest_of_each_check().items():
        wanted |= Q(reconciliation_id=run_id, check_name__in=names)
    return Finding.objects.for_a_person().filter(wanted).order_by("-severity", "-pk")


def tallies(runs: Iterable[Reconciliation]) -> dict[int, Tally]:
    """What each of these runs found, by its id; in one statement."""
    ids = [run.pk for run in runs]
    counted = (
        Finding.objects.filter(reconciliation_id__in=ids)
        .order_by()
        .values("reconciliation_id")
        .annotate(
            mended=Count("pk", filter=Q(repaired=True)), left=Count("pk", filter=Q(repaired=False))
        )
    )
    found = {row["reconciliation_id"]: Tally(row["mended"], row["left"]) for row in counted}
    return {run_id: found.get(run_id, Tally()) for run_id in ids}


def by_check(run: Reconciliation) -> dict[str, Tally]:
    """What a run found, by the name of the check."""
    counted = (
        run.findings.order_by()
        .values("check_name")
        .annotate(
            mended=Count("pk", filter=Q(repaired=True)), left=Count("pk", filter=Q(repaired=False))
        )
    )
    return {row["check_name"]: Tally(row["mended"], row["left"]) for row in counted}


def the_same(finding: Finding, most: int = 30) -> QuerySet[Finding]:
    """The same subject in this and other runs, newest first."""
    same = {name: getattr(finding, name) for name in ("subject", "check_name", "type")}
    found = Finding.objects.filter(**same).with_last_act()
    return found.select_related("reconciliation").order_by("-pk")[:most]


def found_before(check_name: str, suspect: Suspect, *, ago: timedelta) -> bool:
    """Whether a run that mends found the same thing, with the same evidence, so long ago.

    Asked in a repair, of earlier runs: a finding is written down after its repair.
    """
    same = {"check_name": check_name, "type": suspect.type, "subject": suspect.subject}
    found = Finding.objects.filter(**same, evidence=suspect.evidence, found_at__lt=Now() - ago)
    return found.filter(reconciliation__dry_run=False).exists()


def how_far_back(check_name: str, least: timedelta) -> timedelta:
    """How old what a check compares may be, so that each row is looked at until it is `least` old.

    Nights that were missed since the last run, or in which nobody answered, come on top. Where no
    run has been through this check within that time: FARTHEST.
    """
    in_vain = Q(type=NOT_COMPARED) | Q(type="check_failed", subject=check_name)
    gaps = Finding.objects.filter(in_vain, reconciliation=OuterRef("pk"), check_name=check_name)
    whole = Reconciliation.objects.filter(
        ~Exists(gaps), finished_at__isnull=False, dry_run=False, names__contains=[check_name]
    )
    since: timedelta | None = whole.aggregate(since=Now() - Max("started_at"))["since"]
    return FARTHEST if since is None else min(since + least, FARTHEST)


def _latest_of_each_check() -> dict[int, list[str]]:
    """Names of checks by the latest run that has been through them."""
    finished = Reconciliation.objects.filter(finished_at__isnull=False, dry_run=False)
    latest: dict[str, int] = {}
    for run_id, names in finished.order_by("-pk").values_list("pk", "names")[:RECENT]:
        for name in names:
            latest.setdefault(name, run_id)
    grouped: dict[int, list[str]] = {}
    for name, run_id in latest.items():
        grouped.setdefault(run_id, []).append(name)
    return grouped
