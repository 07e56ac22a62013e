"""Who pays, and who is texted."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from credits.locks import CommunityQuerySet

E164 = r"^\+[1-9][0-9]{6,14}$"


class Community(models.Model):
    """`credits` can be spent and equals the sum of the entries; `held` waits for outcomes.

    `held` is what its queued, sending and unknown texts cost.
    """

    class UnknownPolicy(models.TextChoices):
        REFUND = "refund", "refund, and never send again"
        RESEND = "resend", "send again, and accept a duplicate"

    slug = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    credits = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)
    daily_cap = models.PositiveIntegerField(null=True, blank=True)  # texts a day (UTC); NULL: none
    unknown_policy = models.CharField(
        max_length=6, choices=UnknownPolicy.choices, default=UnknownPolicy.REFUND
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = CommunityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "communities"
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="community_once_per_slug"),
            models.CheckConstraint(
                condition=Q(credits__gte=0), name="community_credits_never_negative"
            ),
            models.CheckConstraint(condition=Q(held__gte=0), name="community_held_never_negative"),
            models.CheckConstraint(
                condition=Q(unknown_policy__in=["refund", "resend"]),
                name="community_policy_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"


class Member(models.Model):
    """A person who is texted, at one number in E.164; once per community and number."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="members", db_index=False)
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=16)
    opted_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        # Everybody of a community, in the order in which the credits reach them.
        indexes = [models.Index(fields=["community", "id"], name="member_of_community")]
        constraints = [
            models.UniqueConstraint(
                fields=["community", "phone"], name="member_once_per_community_and_phone"
            ),
            models.CheckConstraint(condition=Q(phone__regex=E164), name="member_phone_is_e164"),
        ]

    def __str__(self) -> str:
        return self.name


class DailyCount(models.Model):
    """How many texts of a community were begun on a day (UTC), less those that surely failed."""

    community = models.ForeignKey(
        Community, models.CASCADE, related_name="daily_counts", db_index=False
    )
    day = models.DateField()
    texts = models.IntegerField()

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(
                fields=["community", "day"], name="daily_count_once_per_community_and_day"
            ),
            models.CheckConstraint(condition=Q(texts__gte=0), name="daily_count_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.community_id} on {self.day}: {self.texts}"
