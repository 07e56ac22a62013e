"""The record of reconciliation: what was looked at, found and mended."""

from django.db import models
from django.db.models.functions import Now


class Reconciliation(models.Model):
    """One run over the checks. At most one is `running`; one that stopped moving gives way."""

    started_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    running = models.BooleanField(null=True, default=True)  # NULL when it has ended
    cause = models.CharField(max_length=150)
    dry_run = models.BooleanField(default=False)
    checked = models.JSONField(default=dict)  # rows by name of the check

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["running"], name="outbox_one_reconciliation_runs")
        ]

    def __str__(self) -> str:
        return f"reconciliation {self.pk} ({self.cause})"


class Finding(models.Model):
    """A difference that was confirmed. Append-only: the audit of every repair."""

    reconciliation = models.ForeignKey(
        Reconciliation, models.CASCADE, related_name="findings", db_index=False
    )
    check_name = models.CharField(max_length=100)
    type = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    severity = models.CharField(max_length=7)
    evidence = models.JSONField(default=dict)
    repair = models.CharField(max_length=300)
    repaired = models.BooleanField()
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "check_name", "type", "subject"],
                name="outbox_finding_once_per_reconciliation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type}: {self.subject}"
