"""What a person does with a finding."""

from outbox.reconciliation import acts
from outbox.reconciliation.models import Finding


def acknowledge() -> None:
    """The one finding there is."""
    acts.acknowledge(finding_id=Finding.objects.get().pk, actor="ann", note="the customer knows")
