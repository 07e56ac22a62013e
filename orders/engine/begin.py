"""A saga begins: its run and all its steps are written down, and the first one is enqueued."""

from uuid import UUID

from orders import saga
from orders.engine import messages
from orders.models import SagaRun, SagaStep
from outbox.ids import uuid7


def start(name: str, *, order_id: UUID, operation_id: UUID, run_id: UUID | None = None) -> SagaRun:
    """Begin a saga about an order, in the caller's transaction.

    Raises IntegrityError on a second call: an order has each of its sagas once.
    """
    table = saga.SAGAS[name]
    run = SagaRun.objects.create(
        id=run_id or uuid7(), saga=name, order_id=order_id, operation_id=operation_id
    )
    SagaStep.objects.bulk_create(
        SagaStep(run=run, position=position, name=step.name)
        for position, step in enumerate(table.steps)
    )
    messages.enqueue_step(run, run.steps.all()[0])
    return run
