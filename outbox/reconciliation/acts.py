"""What a person says to a finding that no machine could mend: I know; or: look at it again."""

from django.db import transaction

from outbox.reconciliation.checks import Suspect
from outbox.reconciliation.models import Finding, FindingAct

Kind = FindingAct.Kind


class NotOpen(Exception):
    """The finding is repaired, or has been acknowledged already; for `reopen`, it has not been."""


def acknowledge(*, finding_id: int, actor: str, note: str) -> FindingAct:
    """Say that the finding is known, and why it may stay: it is not reported again.

    One with other evidence is: then something has changed. Raises Finding.DoesNotExist, NotOpen,
    ValueError without a note. A second call raises NotOpen.
    """
    return _act(Kind.ACKNOWLEDGE, finding_id, actor, note)


def reopen(*, finding_id: int, actor: str, note: str) -> FindingAct:
    """Take an acknowledgement back. Raises as `acknowledge`."""
    return _act(Kind.REOPEN, finding_id, actor, note)


def is_known(check_name: str, suspect: Suspect) -> bool:
    """Whether the same thing was found before, with the same evidence, and acknowledged then."""
    same = {"check_name": check_name, "type": suspect.type, "subject": suspect.subject}
    found = Finding.objects.filter(**same, acts__isnull=False)
    finding = found.with_last_act().order_by("-acts__id").first()
    if finding is None or finding.last_act != Kind.ACKNOWLEDGE:  # type: ignore[attr-defined]
        return False
    return bool(finding.evidence == suspect.evidence)


def _act(kind: FindingAct.Kind, finding_id: int, actor: str, note: str) -> FindingAct:
    if not note.strip():
        raise ValueError("Say why: the next person will ask for it.")
    with transaction.atomic():
        # Held first and asked afterwards: a statement that waited for the lock has seen the past.
        Finding.objects.locked().get(pk=finding_id)
        finding = Finding.objects.with_last_act().get(pk=finding_id)
        is_acknowledged = finding.last_act == Kind.ACKNOWLEDGE  # type: ignore[attr-defined]
        if finding.repaired:
            raise NotOpen("It was repaired: there is nothing left to say to it.")
        if is_acknowledged == (kind == Kind.ACKNOWLEDGE):
            raise NotOpen("It is acknowledged already." if is_acknowledged else "It is open.")
        return FindingAct.objects.create(
            finding=finding, kind=kind, actor=actor, note=note.strip()[:1_000]
        )
