"""Money: what we asked the provider for, under which keys, and what came of it."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.orders import Order


class Payment(models.Model):
    """An order's one payment. `intent` is the provider's id of it, once that is known."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="payment")
    amount = models.PositiveIntegerField()  # cents; what is charged, whatever a webhook may say
    intent = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_has_an_amount"),
            models.UniqueConstraint(
                fields=["intent"], condition=~Q(intent=""), name="intent_pays_for_one_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} cents for {self.order_id}"


class PaymentKey(models.Model):
    """An idempotency key, written down before the first call under it.

    A further one is made only where the provider has shown that nothing came of the last one, and
    repeats its answer: a stored failure, a refusal for the intent's state, or a refund that was
    refused or failed.
    `instead_because` says which.
    """

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="keys", db_index=False)
    purpose = models.CharField(max_length=10)  # intent, authorise, capture, release, refund
    number = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=100)
    instead_because = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)  # when it was first sent; NULL: not yet

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "purpose", "number"], name="payment_key_once_per_number"
            ),
            models.UniqueConstraint(fields=["key"], name="payment_key_names_one_call"),
            models.CheckConstraint(
                condition=Q(number=1, instead_because="")
                | (Q(number__gt=1) & ~Q(instead_because="")),
                name="payment_key_says_why_it_is_not_the_first",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class PaymentEntry(models.Model):
    """One movement of an order's money. Append-only: a trigger refuses UPDATE and DELETE."""

    class Kind(models.TextChoices):
        HELD = "held", "held"
        CAPTURED = "captured", "captured"
        RELEASED = "released", "released"
        REFUNDED = "refunded", "refunded"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.PositiveIntegerField()  # cents
    operation_id = models.UUIDField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "kind"], name="money_moves_once_per_payment_and_kind"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="entry_has_an_amount"),
            models.CheckConstraint(
                condition=Q(kind__in=["held", "captured", "released", "refunded"]),
                name="entry_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def money(self) -> Decimal:
        """The amount as prices are written: 2000 cents are 20.00."""
        return Decimal(self.amount).scaleb(-2)


class PaymentEvent(models.Model):
    """A webhook that the provider signed, kept once; a finding waits for a person.

    It is evidence and moves nothing by itself: what an event says may be old by the time it comes.
    """

    id = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=100)
    payment = models.ForeignKey(Payment, models.CASCADE, null=True, related_name="events")
    detail = models.CharField(max_length=300, blank=True, default="")
    finding = models.CharField(max_length=300, blank=True, default="")
    received_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
