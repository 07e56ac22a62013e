"""A saga under way: its run, its steps, and every attempt that left the house."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.locks import SagaRunQuerySet
from orders.models.orders import Order
from outbox.ids import uuid7


class SagaRun(models.Model):
    """One saga about one order; its row lock is what all writes about it take turns by."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        COMPENSATING = "compensating", "compensating"
        DONE = "done", "done"
        COMPENSATED = "compensated", "compensated"
        NEEDS_PERSON = "needs_person", "needs a person"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    saga = models.CharField(max_length=20)  # which table of saga.py
    order = models.ForeignKey(Order, models.CASCADE, related_name="runs")
    operation_id = models.UUIDField(editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = SagaRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["saga", "order"], name="run_once_per_saga_and_order"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["running", "compensating", "done", "compensated", "needs_person"]
                ),
                name="run_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["running", "done"]) | ~Q(reason=""),
                name="run_says_why_it_turned_back",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.saga} {self.id} ({self.state})"


class SagaStep(models.Model):
    """One step of a run; a step that calls has an attempt, whose id is the fencing token."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"  # for its turn, or for its message
        CALLING = "calling", "calling"  # under a lease
        RETRYING = "retrying", "retrying"  # after an attempt that failed or ended unknown
        DONE = "done", "done"
        REFUSED = "refused", "refused"  # a definite no: there is nothing to take back
        IN_DOUBT = "in_doubt", "in doubt"  # given up, and nobody knows whether it happened
        GIVING_UP = "giving_up", "giving up"  # its message is about to become a dead letter
        NEEDS_PERSON = "needs_person", "needs a person"

    run = models.ForeignKey(SagaRun, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    backwards = models.BooleanField(default=False)  # the state is that of its compensation
    attempt = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    undo_attempts = models.PositiveSmallIntegerField(default=0)
    forgiven = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # attempts before a person's redrive
    maybe = models.BooleanField(default=False)  # an attempt ended unknown: it may have happened
    error = models.TextField(blank=True, default="")  # of the last attempt that failed
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="step_once_per_run_and_name"),
            models.UniqueConstraint(fields=["run", "position"], name="step_has_its_own_place"),
            models.CheckConstraint(
                condition=Q(state="calling", attempt__isnull=False)
                | (~Q(state="calling") & Q(attempt__isnull=True)),
                name="step_has_an_attempt_exactly_while_it_calls",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        *("waiting", "calling", "retrying", "done", "refused"),
                        *("in_doubt", "giving_up", "needs_person"),
                    ]
                ),
                name="step_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    @property
    def may_have_happened(self) -> bool:
        """Whether turning back has to take it back: what is in doubt counts as done."""
        return self.maybe or self.state in (self.State.DONE, self.State.IN_DOUBT)

    @property
    def counted(self) -> int:
        """The attempts in the present direction that its retry limit counts."""
        return (self.undo_attempts if self.backwards else self.attempts) - self.forgiven

    @property
    def status(self) -> str:
        """The state in one word, for API and pages."""
        if not self.backwards or self.state in (self.State.GIVING_UP, self.State.NEEDS_PERSON):
            return str(self.state)
        return {"waiting": "to_undo", "done": "undone"}.get(self.state, "undoing")


class SagaAttempt(models.Model):
    """One call to the outside: begun under a lease, ended once; its id fences and is never reused.

    `late` is what an answer said that came after the lease: evidence, and never a second result.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        REFUSED = "refused", "refused"
        FAILED = "failed", "failed"  # it surely had no effect
        BARRED = "barred", "not let in"  # nor had this, and asking again will not help
        UNKNOWN = "unknown", "unknown"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    step = models.ForeignKey(SagaStep, models.CASCADE, related_name="calls")
    backwards = models.BooleanField()
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=7, choices=Outcome.choices, default=Outcome.OPEN)
    detail = models.TextField(blank=True, default="")
    late = models.TextField(blank=True, default="")
    message_id = models.UUIDField(null=True)
    worker = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "backwards", "number"], name="attempt_once_per_number"
            ),
            models.CheckConstraint(
                condition=Q(outcome="open", finished_at__isnull=True)
                | (~Q(outcome="open") & Q(finished_at__isnull=False)),
                name="attempt_has_finish_time_when_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{'undo ' * self.backwards}attempt {self.number} ({self.outcome})"
