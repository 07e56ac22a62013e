"""Shipping: one shipment under one reference of ours, however often it is asked for."""

from orders.models import SagaRun, Shipment
from orders.providers import carrier
from outbox.errors import storable

Status = Shipment.Status
LONGEST_NUMBER = Shipment._meta.get_field("tracking_number").max_length


def ship(run: SagaRun) -> str:
    """Have the order shipped; returns the tracking number. A second call finds the shipment."""
    return carrier.create(reference=_reference(run), order=str(run.order_id))


def note_shipped(run: SagaRun, tracking_number: str) -> None:
    """Write down that the carrier has it: a strange number must not hide that."""
    Shipment.objects.filter(order_id=run.order_id).update(
        status=Status.CREATED, tracking_number=storable(tracking_number)[:LONGEST_NUMBER]
    )


def call_back(run: SagaRun) -> None:
    """Cancel the shipment. Said in advance it holds, too: a late request then ships nothing."""
    carrier.cancel(reference=_reference(run))


def note_called_back(run: SagaRun, _: None) -> None:
    """Write down that nothing will be shipped."""
    Shipment.objects.filter(order_id=run.order_id).update(status=Status.CANCELLED)


def _reference(run: SagaRun) -> str:
    return Shipment.objects.get(order_id=run.order_id).reference
