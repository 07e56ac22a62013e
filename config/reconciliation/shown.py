"""A finding as a line of a list: where its subject is looked at, what was seen, in what state."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from outbox.reconciliation import Suspect, registered
from outbox.reconciliation.models import Finding

LONGEST_VALUE = 80


@dataclass(frozen=True)
class Shown:
    """What a list shows of a finding."""

    finding: Finding
    type: str
    address: str
    evidence: list[tuple[str, str]]
    state: str


def shown(finding: Finding) -> Shown:
    """Make the line of a finding that was read `with_last_act`."""
    evidence = [
        (name.replace("_", " "), str(value)[:LONGEST_VALUE])
        for name, value in finding.evidence.items()
    ]
    return Shown(finding, title_of(finding), subject_address(finding), evidence, state_of(finding))


def title_of(finding: Finding) -> str:
    """Its type in words."""
    return finding.type.replace("_", " ").capitalize()


def state_of(finding: Finding) -> str:
    """In a word or two: what is left to do about it."""
    if finding.repaired:
        return "repaired"
    if finding.last_act == "acknowledge":  # type: ignore[attr-defined]
        return "acknowledged"
    return finding.repair if finding.reconciliation.dry_run else "needs a person"


def subject_address(finding: Finding) -> str:
    """The page of what it is about: as its check says; a message of the outbox has its story."""
    check = registered().get(finding.check_name)
    suspect = Suspect(finding.type, finding.subject, finding.evidence, finding.severity)
    try:
        if finding.check_name.startswith("outbox."):
            return reverse("dead_letter", args=[UUID(finding.subject)])
        return check.address(suspect) if check else ""
    except (LookupError, ValueError, NoReverseMatch):  # a finding of a check that failed, or is old
        return ""
