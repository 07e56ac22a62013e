"""Leases, by the database's clock."""

from datetime import timedelta
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F, Func
from django.db.models.fields import DateTimeField

from orders.models import SagaAttempt


class ClockTimestamp(Func):
    """The database's clock at this moment, not at the transaction's start."""

    function = "clock_timestamp"
    output_field = DateTimeField()


LEFT = ExpressionWrapper(F("lease_until") - ClockTimestamp(), output_field=DurationField())


def held(attempt_id: UUID, *, at_least: timedelta) -> tuple[SagaAttempt, timedelta] | None:
    """The attempt and what is left of its lease; None where it has ended or has less than that."""
    open_attempts = SagaAttempt.objects.filter(pk=attempt_id, outcome=SagaAttempt.Outcome.OPEN)
    timely = open_attempts.annotate(left=LEFT).filter(left__gt=at_least)
    attempt = timely.select_related("step__run").first()
    return None if attempt is None else (attempt, attempt.left)


def is_over(attempt: SagaAttempt) -> bool:
    """Whether nobody may start a request for this attempt any more."""
    mine = SagaAttempt.objects.filter(pk=attempt.pk)
    return mine.annotate(left=LEFT).filter(left__lte=timedelta(0)).exists()
