"""What each handler did in each minute, and what a person has paused."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Seconds: the upper ends of the buckets in which latencies are counted. One more has no end."""


def no_latencies() -> list[int]:
    """A histogram without any."""
    return [0] * (len(BOUNDS) + 1)


class Minute(models.Model):
    """One handler's figures of one minute: never less than was counted before.

    They are counted again and again while the minute is young, from the messages and their events;
    `refused` and `deliveries` are added by whoever received the dispatch. What is older than a day
    is added up in the row of the year 1970, so that the sums over all rows only ever rise.
    """

    minute = models.DateTimeField()
    handler = models.CharField(max_length=200)
    created = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    crashed = models.BigIntegerField(default=0)
    snoozed = models.BigIntegerField(default=0)
    dead = models.BigIntegerField(default=0)
    ended = models.BigIntegerField(default=0)  # expired, cancelled, discarded
    redriven = models.BigIntegerField(default=0)
    deliveries = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    latency_sum = models.FloatField(default=0)  # seconds from due to done, of those done
    run_sum = models.FloatField(default=0)  # seconds from claim to done
    latencies = ArrayField(models.BigIntegerField(), default=no_latencies)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "handler"], name="outbox_minute_once_per_handler"
            )
        ]

    def __str__(self) -> str:
        return f"{self.handler} at {self.minute}"


class Pause(models.Model):
    """While this row is there, nothing of its target is claimed. What is being run ends."""

    target = models.CharField(max_length=208, primary_key=True)  # "queue:NAME" or "handler:NAME"
    paused_at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(target__startswith="queue:") | Q(target__startswith="handler:"),
                name="outbox_pause_is_of_a_queue_or_a_handler",
            ),
            models.CheckConstraint(condition=~Q(actor=""), name="outbox_pause_names_its_actor"),
        ]

    def __str__(self) -> str:
        return self.target
