"""The record of reconciliation: what was looked at, found, mended, and said by people."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from outbox.reconciliation.locks import FindingQuerySet, ReconciliationQuerySet


class Reconciliation(models.Model):
    """One run over some checks. At most one is `running`; its row says where it is.

    Whoever takes a step holds the row, so two who drive the same run take turns, and one that
    comes after a death goes on where the last commit left it.
    """

    started_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    running = models.BooleanField(null=True, default=True)  # NULL when it has ended
    cause = models.CharField(max_length=150)
    dry_run = models.BooleanField(default=False)
    names = models.JSONField(default=list)  # the checks that it is to go through, in order
    done = models.PositiveSmallIntegerField(default=0)  # so many of them it has been through
    after = models.TextField(blank=True, default="")  # where in the next one it is
    turn = models.PositiveIntegerField(default=0)  # steps taken: the number of the next one
    checked = models.JSONField(default=dict)  # rows by name of the check
    known = models.PositiveIntegerField(default=0)  # found as before, and acknowledged then
    session = models.IntegerField(null=True)  # the backend of the command that drives it
    session_since = models.DateTimeField(null=True)  # which tells it from a later one of its number

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["running"], name="outbox_one_reconciliation_runs")
        ]

    def __str__(self) -> str:
        return f"reconciliation {self.pk} ({self.cause})"

    @property
    def status(self) -> str:
        """In one word: running, done, or stopped before it was through."""
        return "running" if self.running else "done" if self.finished_at else "stopped"

    @property
    def took(self) -> float | None:
        """Seconds from its start to its end; None where it has not come to that."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

    @property
    def present(self) -> str:
        """The check that it is at, or "" where it has been through all."""
        return self.names[self.done] if self.done < len(self.names) else ""


class Finding(models.Model):
    """A difference that was confirmed. Nothing here is ever changed: the audit of every repair."""

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

    objects = FindingQuerySet.as_manager()

    class Meta:
        indexes = [
            # The same subject in earlier runs.
            models.Index(fields=["subject", "check_name", "type"], name="outbox_finding_subject")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "check_name", "type", "subject"],
                name="outbox_finding_once_per_reconciliation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type}: {self.subject}"


class FindingAct(models.Model):
    """What a person said to a finding, and why. Append-only; the latest act counts.

    An acknowledged finding is known: the same one, with the same evidence, is not reported again.
    """

    class Kind(models.TextChoices):
        ACKNOWLEDGE = "acknowledge", "acknowledged"
        REOPEN = "reopen", "reopened"

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="acts")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    actor = models.CharField(max_length=150)
    note = models.CharField(max_length=1_000)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = [F("id").asc()]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["acknowledge", "reopen"]),
                name="outbox_finding_act_kind_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(actor=""), name="outbox_finding_act_names_its_actor"
            ),
            models.CheckConstraint(condition=~Q(note=""), name="outbox_finding_act_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
