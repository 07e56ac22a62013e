"""The lab's own small tables, for races that have no service of ours. No business data."""

from django.db import models


class Account(models.Model):
    """A row with a number in it: credits, a counter, a reader's position."""

    credits = models.IntegerField(default=0)
    version = models.IntegerField(default=0)
    token = models.IntegerField(default=0)  # the highest fencing token that was let in

    def __str__(self) -> str:
        return f"account {self.pk}: {self.credits}"


class Effect(models.Model):
    """Something that happened, as often as it happened."""

    operation = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.operation


class Receipt(models.Model):
    """Something that happens once per operation; the constraint says so, whoever asks."""

    operation = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation"], name="receipt_once_per_operation")
        ]

    def __str__(self) -> str:
        return self.operation


class Job(models.Model):
    """A queue's row as many write it: a state, a lease, a token. Not how our outbox does it."""

    state = models.CharField(max_length=10, default="pending")
    leased = models.BooleanField(default=False)
    token = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"job {self.pk} ({self.state})"
