"""The lab's own small tables, for races that have no service of ours. No business data."""

from django.db import models
from django.db.models.functions import Now


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


class LabRun(models.Model):
    """A run that an operator asked of the lab; of each kind one at a time is under way."""

    class Kind(models.TextChoices):
        HOT = "hot"
        TRIAL = "trial"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        ENDED = "ended", "ended early"
        FAILED = "failed"
        LOST = "lost", "lost: its process is gone"

    OPEN = (State.WAITING, State.RUNNING)

    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked = models.JSONField()
    result = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    end_asked = models.BooleanField(default=False)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())  # its process was there
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="lab_run_one_of_a_kind_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} run {self.pk} ({self.state})"

    @property
    def is_open(self) -> bool:
        """It waits or runs."""
        return self.state in self.OPEN


class HotAccount(models.Model):
    """The credits that one strategy of a hot run spends. Gone when the run is."""

    run = models.ForeignKey(LabRun, on_delete=models.CASCADE, related_name="accounts")
    strategy = models.CharField(max_length=40)
    credits = models.IntegerField()
    version = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.strategy}: {self.credits}"


class HotEntry(models.Model):
    """A text that was sent: one line of the ledger. ``once`` is the job's number where the
    strategy wants the constraint, and null where it does without."""

    account = models.ForeignKey(HotAccount, on_delete=models.CASCADE, related_name="entries")
    job = models.IntegerField()
    once = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "once"], name="hot_entry_once_per_job")
        ]

    def __str__(self) -> str:
        return f"job {self.job}"


class HotJob(models.Model):
    """A job that waits in a table instead of in the broker; for the strategy that claims them."""

    account = models.ForeignKey(HotAccount, on_delete=models.CASCADE, related_name="jobs")
    number = models.IntegerField()
    done = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["account", "id"],
                condition=models.Q(done=False),
                name="hot_job_waiting",  # what a claim looks for
            )
        ]

    def __str__(self) -> str:
        return f"job {self.number}"


class HotDelivery(models.Model):
    """The measuring: one delivery came to its end, in so many microseconds."""

    account = models.ForeignKey(HotAccount, on_delete=models.CASCADE, related_name="deliveries")
    micros = models.IntegerField()
    jobs = models.IntegerField(default=1)
    tries = models.IntegerField(default=1)
    failed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.jobs} jobs in {self.micros} µs"
