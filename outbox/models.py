"""The outbox's tables. The listing of the states is the life of a message."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from outbox.ids import uuid7
from outbox.position import Position
from outbox.querysets import MessageQuerySet, RunQuerySet

LARGEST_ARGS = 8 * 1024
"""Bytes of JSON that a message's arguments may take: enough for ids, too little for documents."""


class Message(models.Model):
    """One effect that shall happen exactly once; who holds its row lock is running it."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"  # waits for its time and a worker, or is being run
        PARKED = "parked", "parked"  # waits behind an earlier message of its group
        DONE = "done", "done"
        DEAD = "dead", "dead"  # a person must look
        EXPIRED = "expired", "expired"
        CANCELLED = "cancelled", "cancelled"
        DISCARDED = "discarded", "discarded"  # a person looked at the dead one and gave it up

    WAITING = (State.PENDING, State.PARKED)
    ENDED = (State.DONE, State.DEAD, State.EXPIRED, State.CANCELLED, State.DISCARDED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    handler = models.CharField(max_length=200)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    group = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: belongs to none
    group_seq = models.BigIntegerField(null=True)
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: has none
    operation_id = models.UUIDField()
    traceparent = models.CharField(max_length=55, blank=True, default="")

    attempts = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    alone = models.BooleanField(
        default=False
    )  # suspected of hurting its batch: runs without company
    last_error = models.TextField(blank=True, default="")

    created_at = models.DateTimeField(db_default=Now())
    dispatched_at = models.DateTimeField(null=True)  # by the sender's clock: for people to read
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=200, blank=True, default="")
    task_id = models.CharField(max_length=64, blank=True, default="")

    claimed_at: datetime  # annotated by a claim: its moment, where the message can expire

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            # What is due for a handler: every claim, and the relay's count.
            models.Index(
                fields=["handler", "due_at", "id"],
                condition=Q(state="pending"),
                name="outbox_message_due",
            ),
            # The head of a group, and whether anything blocks it.
            models.Index(
                fields=["group", "group_seq"],
                condition=Q(group__isnull=False, state__in=["pending", "parked", "dead"]),
                name="outbox_message_group_waiting",
            ),
            # Retention, oldest first, state by state; the dead-letter desk.
            models.Index(
                fields=["state", "finished_at"],
                condition=Q(finished_at__isnull=False),
                name="outbox_message_finished",
            ),
            # Everything that one request set off.
            models.Index(fields=["operation_id"], name="outbox_message_operation"),
            # A person looks for what a key stood for, also after the key has gone.
            models.Index(fields=["key"], condition=Q(key__isnull=False), name="outbox_message_key"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "pending",
                        "parked",
                        "done",
                        "dead",
                        "expired",
                        "cancelled",
                        "discarded",
                    ]
                ),
                name="outbox_message_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "parked"], finished_at__isnull=True)
                | (~Q(state__in=["pending", "parked"]) & Q(finished_at__isnull=False)),
                name="outbox_message_has_finish_time_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(group__isnull=True, group_seq__isnull=True)
                | Q(group__isnull=False, group_seq__isnull=False),
                name="outbox_message_has_group_and_number_or_neither",
            ),
            models.UniqueConstraint(
                fields=["group", "group_seq"],
                condition=Q(group__isnull=False),
                name="outbox_message_number_once_per_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.id} ({self.state})"


class Group(models.Model):
    """The last number given in an ordered group. Its row lock makes numbers follow commits."""

    name = models.CharField(max_length=200, primary_key=True)
    last_seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name} at {self.last_seq}"


class IdempotencyKey(models.Model):
    """A key names one operation: one row, one message, for as long as its rule says.

    The row outlives its message, which retention may have pruned: `message_id` is no foreign key.
    """

    class Rule(models.TextChoices):
        FOREVER = "forever", "for ever"
        PERIOD = "period", "for a period"
        WHILE_PENDING = "while_pending", "while its message waits"

    key = models.CharField(max_length=200, primary_key=True)
    args_hash = models.CharField(max_length=64)
    message_id = models.UUIDField()
    rule = models.CharField(max_length=13, choices=Rule.choices)
    until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["until"], condition=Q(until__isnull=False), name="outbox_key_until"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(rule="forever", until__isnull=True)
                | (~Q(rule="forever") & Q(until__isnull=False)),
                name="outbox_key_has_an_end_unless_forever",
            )
        ]

    def __str__(self) -> str:
        return self.key


class Run(models.Model):
    """A run record: who is about to run what. Its run holds the row's lock until it commits.

    A record that nobody holds is a run that died, whatever became of its worker.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    handler = models.CharField(max_length=200)
    message_ids = ArrayField(models.UUIDField())
    worker = models.CharField(max_length=200)
    task_id = models.CharField(max_length=64, blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())

    opened_at: float  # by time.monotonic(), just before it was recorded
    position: Position  # where the claim that opened it found the first of its messages

    objects = RunQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.handler} x {len(self.message_ids)} by {self.worker}"


class Event(models.Model):
    """What befell a message besides its last claim and its success; append-only, for people."""

    class Kind(models.TextChoices):
        FAILED = "failed", "failed"
        SNOOZED = "snoozed", "snoozed"
        ISOLATED = "isolated", "isolated from its batch"
        CRASHED = "crashed", "crashed"
        DEAD = "dead", "dead"
        EXPIRED = "expired", "expired"
        CANCELLED = "cancelled", "cancelled"
        DISCARDED = "discarded", "discarded"
        REDRIVEN = "redriven", "redriven"
        REFUSED = "refused", "a delivery refused"

    message = models.ForeignKey(Message, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now())
    attempt = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    worker = models.CharField(max_length=200, blank=True, default="")
    task_id = models.CharField(max_length=64, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering = [F("at").asc(), F("id").asc()]
        # What happened lately: the figures of each minute.
        indexes = [models.Index(fields=["at"], name="outbox_event_at")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"


class StoredAnswer(models.Model):
    """The answer to an HTTP request, stored with the effect, for whoever sends it again."""

    scope = models.CharField(max_length=200)
    endpoint = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "endpoint", "key"], name="outbox_answer_once_per_request_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key} → {self.status}"


# The tables of subjects of their own; Django looks for models here.
from outbox.desk.models import DeskAct  # noqa: E402, F401
from outbox.monitoring.models import Minute, Pause  # noqa: E402, F401
from outbox.reconciliation.models import Finding, Reconciliation  # noqa: E402, F401
