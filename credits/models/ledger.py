"""The ledger: what has happened to a community's credits."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from credits.models.campaigns import Campaign
from credits.models.communities import Community


class CreditEntry(models.Model):
    """One change of a community's credits. Append-only: a trigger refuses UPDATE and DELETE."""

    class Kind(models.TextChoices):
        PURCHASE = "purchase", "purchase"
        HOLD = "hold", "hold"  # for the texts of a campaign
        RELEASE = "release", "release"  # of what was held and is not needed
        REFUND = "refund", "refund"  # of what was spent: accepted by the provider, then failed

    community = models.ForeignKey(Community, models.PROTECT, related_name="entries")
    operation = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.IntegerField()
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="entries"
    )
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "credit entries"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["operation"], name="credit_entry_once_per_operation"),
            models.CheckConstraint(
                condition=Q(kind="hold", amount__lt=0)
                | Q(kind__in=["purchase", "release", "refund"], amount__gt=0),
                name="credit_entry_has_the_sign_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="purchase", campaign__isnull=True)
                | Q(kind__in=["hold", "release", "refund"], campaign__isnull=False),
                name="credit_entry_names_its_campaign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation}: {self.amount:+}"
