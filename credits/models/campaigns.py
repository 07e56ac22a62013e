"""A text to everyone in a community."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from credits.locks import CampaignQuerySet
from credits.models.communities import Community
from outbox.ids import uuid7


class Campaign(models.Model):
    """One operation: a text for each member, whose credits were held when it was started."""

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        FINISHED = "finished", "finished"  # nothing is left to send; unknowns may be left to settle
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"  # its deadline passed

    class Shortfall(models.TextChoices):
        REFUSE = "refuse", "refuse"
        SEND_WHAT_FITS = "send_what_fits", "send as many as the credits reach"

    OPEN = (Status.RUNNING, Status.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    community = models.ForeignKey(Community, models.PROTECT, related_name="campaigns")
    operation_id = models.UUIDField(editable=False)
    text = models.TextField()  # with its fields, such as {name}
    shortfall = models.CharField(max_length=14, choices=Shortfall.choices)
    deadline = models.DateTimeField(null=True, blank=True)  # nothing is sent after it

    status = models.CharField(max_length=9, choices=Status.choices, default=Status.RUNNING)
    members = models.PositiveIntegerField(default=0)  # of the community, when it was started
    opted_out = models.PositiveIntegerField(default=0)
    not_reached = models.PositiveIntegerField(default=0)  # by the credits
    turn = models.PositiveIntegerField(default=1)  # which chain of driver messages counts
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True, default="")

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["operation_id"], name="campaign_once_per_operation"),
            models.CheckConstraint(
                condition=Q(status__in=["running", "paused", "finished", "cancelled", "expired"]),
                name="campaign_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(shortfall__in=["refuse", "send_what_fits"]),
                name="campaign_shortfall_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["running", "paused"], finished_at__isnull=True)
                | (~Q(status__in=["running", "paused"]) & Q(finished_at__isnull=False)),
                name="campaign_has_finish_time_when_finished",
            ),
            models.CheckConstraint(
                condition=Q(members__gte=F("opted_out") + F("not_reached")),
                name="campaign_counts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text[:40]} ({self.status})"

    @property
    def texts_planned(self) -> int:
        """How many texts it was started with."""
        return self.members - self.opted_out - self.not_reached
