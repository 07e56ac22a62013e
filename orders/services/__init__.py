"""The writes of orders. Each opens its own transaction; what a second call does is said there."""

from orders.services.cancel import NotCancellable, cancel_order
from orders.services.place import KeyReused, PriceChanged, place_order
from orders.services.receipts import NotResendable, resend_receipt
from orders.services.refund import NotRefundable, refund_order
from orders.services.webhooks import note_event

__all__ = [
    "KeyReused",
    "NotCancellable",
    "NotRefundable",
    "NotResendable",
    "PriceChanged",
    "cancel_order",
    "note_event",
    "place_order",
    "refund_order",
    "resend_receipt",
]
