"""A text message, what befell it, and what was found out too late."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from credits.locks import TextQuerySet
from credits.models.campaigns import Campaign
from credits.models.communities import Member


class TextMessage(models.Model):
    """One text to one member. A trigger lets its state only go forward once it was settled."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENDING = "sending", "sending"  # under a lease: a call may be on its way
        UNKNOWN = "unknown", "unknown"  # nobody can say yet whether it went out
        SENT = "sent", "sent"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"
        SKIPPED = "skipped", "skipped"

    OPEN = (State.QUEUED, State.SENDING, State.UNKNOWN)

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="texts", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="texts", db_index=False)
    phone = models.CharField(max_length=16)  # the member's when the campaign was started
    body = models.TextField()
    segments = models.PositiveSmallIntegerField()  # what it costs, in credits

    state = models.CharField(max_length=9, choices=State.choices, db_default=State.QUEUED)
    reason = models.CharField(max_length=300, blank=True, db_default="")
    handed_at = models.DateTimeField(null=True)  # when its message was enqueued; NULL: it has none
    attempts = models.PositiveSmallIntegerField(db_default=0)  # calls that may have been made
    token = models.UUIDField(null=True)  # of the latest attempt
    sending_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    counted_on = models.DateField(null=True)  # the day whose cap it was counted against
    sid = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL: the provider gave none
    listed_at = models.DateTimeField(null=True)  # when it was first seen in the provider's list
    error_code = models.PositiveIntegerField(null=True)
    settled_by = models.CharField(max_length=8, blank=True, db_default="")
    finished_at = models.DateTimeField(null=True)

    objects = TextQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            # The counts on a campaign's page, and which texts its end skips.
            models.Index(fields=["campaign", "state"], name="text_by_state"),
            # The next ones that the driver hands out.
            models.Index(
                fields=["campaign", "id"],
                condition=Q(state="queued", handed_at__isnull=True),
                name="text_not_handed_out",
            ),
            # How many it has handed out: a look of the driver reads these few hundred, and none of
            # those that wait behind them (a BitmapOr of this index and text_by_state).
            models.Index(
                fields=["campaign"],
                condition=Q(state="queued", handed_at__isnull=False),
                name="text_handed_out",
            ),
            # What reconciliation looks through for texts that nobody settled,
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["sending", "unknown"]),
                name="text_unsettled",
            ),
            # and for those that the provider does not seem to have.
            models.Index(
                fields=["id"],
                condition=Q(sid__isnull=False, listed_at__isnull=True),
                name="text_not_listed",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "phone"], name="text_once_per_campaign_and_phone"
            ),
            models.UniqueConstraint(
                fields=["sid"], condition=Q(sid__isnull=False), name="text_once_per_provider_id"
            ),
            models.CheckConstraint(condition=Q(segments__gt=0), name="text_costs_something"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "queued",
                        "sending",
                        "unknown",
                        "sent",
                        "delivered",
                        "failed",
                        "skipped",
                    ]
                ),
                name="text_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "unknown"])
                | Q(token__isnull=False, sending_at__isnull=False, lease_until__isnull=False),
                name="text_has_a_lease_while_it_is_being_sent",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "skipped"]) | ~Q(reason=""),
                name="text_says_why_it_was_not_sent",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "unknown"], finished_at__isnull=True)
                | (~Q(state__in=["queued", "sending", "unknown"]) & Q(finished_at__isnull=False)),
                name="text_has_finish_time_when_settled",
            ),
        ]

    def __str__(self) -> str:
        return f"text {self.pk} ({self.state})"


class TextEvent(models.Model):
    """One line of a text's story, with its evidence; append-only."""

    class Kind(models.TextChoices):
        SENDING = "sending", "sending"  # committed before the call
        ACCEPTED = "accepted", "accepted"
        REFUSED = "refused", "refused"
        POSTPONED = "postponed", "postponed"
        UNKNOWN = "unknown", "outcome unknown"
        LISTED = "listed", "found in the provider's list"
        NOT_LISTED = "not_listed", "not in the provider's list"
        UNLISTABLE = "unlistable", "provider's list out of reach"
        CALLBACK = "callback", "callback"
        POLICY = "policy", "settled by policy"
        SKIPPED = "skipped", "skipped"
        ABANDONED = "abandoned", "abandoned"

    text = models.ForeignKey(TextMessage, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now())
    token = models.UUIDField(null=True)
    sid = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=20, blank=True, default="")
    error_code = models.PositiveIntegerField(null=True)
    detail = models.CharField(max_length=300, blank=True, default="")
    worker = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["pk"]
        constraints = [
            # Also how a callback's address leads to its text.
            models.UniqueConstraint(
                fields=["token"],
                condition=Q(kind="sending"),
                name="text_attempt_once_per_token",
            ),
            models.UniqueConstraint(
                fields=["text", "token", "sid", "status"],
                condition=Q(kind="callback"),
                name="text_callback_once_per_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.kind}"


class Finding(models.Model):
    """What turned out after a text was settled otherwise; a person may look, nothing is undone."""

    class Kind(models.TextChoices):
        SENT_AFTER_REFUND = "sent_after_refund", "sent, although its credits were given back"
        SENT_TWICE = "sent_twice", "sent twice"

    text = models.ForeignKey(TextMessage, models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=17, choices=Kind.choices)
    sid = models.CharField(max_length=64)
    evidence = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["text", "kind", "sid"], name="finding_once_per_text_and_provider_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.kind}"
