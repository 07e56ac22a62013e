"""The tables of orders. Each constraint's name is the sentence that it enforces."""

from orders.models.orders import Order, OrderLine, Receipt, Refund, Shipment
from orders.models.payments import Payment, PaymentEntry, PaymentEvent, PaymentKey
from orders.models.sagas import SagaAttempt, SagaRun, SagaStep

__all__ = [
    "Order",
    "OrderLine",
    "Payment",
    "PaymentEntry",
    "PaymentEvent",
    "PaymentKey",
    "Receipt",
    "Refund",
    "SagaAttempt",
    "SagaRun",
    "SagaStep",
    "Shipment",
]
