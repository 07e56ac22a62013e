"""Idempotency keys of payments: written down, and committed, before the first call under them."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from orders.models import Payment, PaymentKey


@dataclass(frozen=True)
class Key:
    """The key to use now, and whether a call may have been made under it before."""

    value: str
    repeated: bool


def take(payment: Payment, purpose: str) -> Key:
    """The latest key for this purpose, noted as used; the first call makes the first key."""
    with transaction.atomic():
        key = _latest(payment, purpose) or _make(payment, purpose, number=1)
        repeated = not PaymentKey.objects.filter(pk=key.pk, used_at=None).update(used_at=Now())
    return Key(key.key, repeated)


def replace(payment: Payment, purpose: str, *, because: str) -> None:
    """Have a further key for the next call. Only where the last one provably had no effect."""
    with transaction.atomic():
        latest = _latest(payment, purpose)
        if latest is not None and latest.used_at is not None:
            _make(payment, purpose, number=latest.number + 1, because=because)


def _latest(payment: Payment, purpose: str) -> PaymentKey | None:
    return payment.keys.filter(purpose=purpose).order_by("number").last()


def _make(payment: Payment, purpose: str, *, number: int, because: str = "") -> PaymentKey:
    name = f"order:{payment.order_id}:{purpose}" + (f":{number}" if number > 1 else "")
    key, _ = PaymentKey.objects.get_or_create(
        payment=payment,
        purpose=purpose,
        number=number,
        defaults={"key": name, "instead_because": because},
    )
    return key
