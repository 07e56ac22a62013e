"""The desk's audit log."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DeskAct(models.Model):
    """Who did what to which messages, when and why. Nothing here is ever changed."""

    class Kind(models.TextChoices):
        REDRIVE = "redrive", "redrive"
        DISCARD = "discard", "discard"
        CANCEL = "cancel", "cancel"
        PAUSE = "pause", "pause"
        RESUME = "resume", "resume"

    kind = models.CharField(max_length=7, choices=Kind.choices)
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True, default="")
    selection = models.JSONField()  # as it was asked for
    done = models.PositiveIntegerField()  # messages; each one's own story names it, too
    refused = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="outbox_act_names_its_actor"),
            models.CheckConstraint(
                condition=~Q(kind="discard") | Q(reason__gt=""),
                name="outbox_discarding_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.done} by {self.actor}"
