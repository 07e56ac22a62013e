"""The call itself: after the commit that says so, outside any transaction, within its lease."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings

from orders import calls, saga
from orders.engine import leases, results
from orders.models import SagaAttempt

Outcome = SagaAttempt.Outcome
log = structlog.get_logger(__name__)


def make_call(attempt_id: UUID) -> None:
    """Make an attempt's call and write down how it ended. Never raises: the lease's end settles.

    Not begun where the lease has run out meanwhile: somebody else may be at it by now.
    """
    try:
        held = leases.held(attempt_id, at_least=_one_request())
        if held is None:
            log.warning("call_not_begun", attempt_id=str(attempt_id))
            return
        _call(*held)
    except Exception:
        log.exception("call_left_to_its_lease", attempt_id=str(attempt_id))


def _one_request() -> timedelta:
    """What the last request of an attempt may take: connecting, and waiting for the answer."""
    return timedelta(seconds=2 * settings.SHOP.timeout)


def _call(attempt: SagaAttempt, left: timedelta) -> None:
    run, step = attempt.step.run, attempt.step
    line = saga.of(run).step(step.name)
    action = line.undo if attempt.backwards else line.do
    assert isinstance(action, saga.Outside)  # noqa: S101  only such a step has attempts
    with structlog.contextvars.bound_contextvars(**_told(attempt)):
        try:
            with calls.lease((left - _one_request()).total_seconds()):
                result = action.call(run)
        except Exception as error:
            outcome = _outcome(error)
            log.warning("call_ended", outcome=str(outcome), error=str(error)[:300])
            results.record(attempt.pk, outcome, detail=str(error) or type(error).__name__)
        else:
            log.info("call_ended", outcome="done")
            results.record(attempt.pk, Outcome.DONE, result=result)


def _told(attempt: SagaAttempt) -> dict[str, str | int]:
    """What the lines of a call carry, the provider's library's included."""
    run = attempt.step.run
    return {
        "order_id": str(run.order_id),
        "operation_id": str(run.operation_id),
        "message_id": str(attempt.message_id or ""),
        "saga_step": f"{'undo ' * attempt.backwards}{attempt.step.name}",
        "attempt": attempt.number,
    }


def _outcome(error: Exception) -> SagaAttempt.Outcome:
    if isinstance(error, calls.Refused):
        return Outcome.REFUSED
    if isinstance(error, calls.NotNow):
        return Outcome.FAILED
    if isinstance(error, calls.Barred):
        return Outcome.BARRED
    if not isinstance(error, calls.Unknown):
        log.exception("call_raised", error=str(error))
    return Outcome.UNKNOWN
