"""What was ordered, where it went, what came back."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from outbox.ids import uuid7
from pricing.models import Product


class Order(models.Model):
    """An order's total is what its lines cost when it was placed, and that is what is charged."""

    class Status(models.TextChoices):
        PLACED = "placed", "placed"  # its saga goes forward
        CANCELLING = "cancelling", "cancelling"  # its saga takes back what was done
        SHIPPED = "shipped", "shipped"  # and paid, once
        CANCELLED = "cancelled", "cancelled"  # and nothing is held, charged, reserved or shipped
        NEEDS_PERSON = "needs_person", "needs a person"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operation_id = models.UUIDField(editable=False)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PLACED)
    reason = models.CharField(max_length=500, blank=True, default="")  # why it was not shipped
    total = models.DecimalField(max_digits=10, decimal_places=2)
    payment_method = models.CharField(max_length=100)  # the provider's name for it; never a card
    email = models.EmailField(blank=True, default="")  # where the receipt goes; empty: nowhere
    placed_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "-id"], name="order_by_status")]
        constraints = [
            models.UniqueConstraint(fields=["operation_id"], name="order_once_per_operation"),
            models.CheckConstraint(condition=Q(total__gt=0), name="order_costs_something"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["placed", "cancelling", "shipped", "cancelled", "needs_person"]
                ),
                name="order_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["shipped", "cancelled"], finished_at__isnull=False)
                | Q(status__in=["placed", "cancelling", "needs_person"], finished_at__isnull=True),
                name="order_has_finish_time_when_finished",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["placed", "shipped"]) | ~Q(reason=""),
                name="order_says_why_it_was_not_shipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    @property
    def cents(self) -> int:
        """The total in the smallest unit of the currency, as payment providers count."""
        return int(self.total * 100)


class OrderLine(models.Model):
    """So many of one product at its price of then; `hold` says what its stock was booked as."""

    class Hold(models.TextChoices):
        NONE = "none", "not reserved"
        HELD = "held", "reserved"
        RELEASED = "released", "released"
        TAKEN = "taken", "taken"
        RETURNED = "returned", "returned"

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)  # of one
    hold = models.CharField(max_length=8, choices=Hold.choices, default=Hold.NONE)

    class Meta:
        ordering = ["order", "product"]
        indexes = [
            # What a product's stock is reserved for: few lines beside all that were ever sold.
            models.Index(fields=["product"], condition=Q(hold="held"), name="line_that_holds")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "product"], name="line_once_per_order_and_product"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_has_a_quantity"),
            models.CheckConstraint(condition=Q(price__gte=0), name="line_price_never_negative"),
            models.CheckConstraint(
                condition=Q(hold__in=["none", "held", "released", "taken", "returned"]),
                name="line_hold_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"

    @property
    def cost(self) -> object:
        """What the line costs."""
        return self.price * self.quantity


class Shipment(models.Model):
    """An order's shipment, known to the carrier by the reference that we made."""

    class Status(models.TextChoices):
        WANTED = "wanted", "wanted"  # perhaps made: its step knows
        CREATED = "created", "created"
        CANCELLED = "cancelled", "cancelled"

    order = models.OneToOneField(Order, models.CASCADE, related_name="shipment")
    reference = models.CharField(max_length=100)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WANTED)
    tracking_number = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="shipment_once_per_reference")
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.status})"


class Receipt(models.Model):
    """An order's receipt: written once, sent once or not known to have been."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="receipt")
    email = models.EmailField()
    sent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"receipt of {self.order_id}"


class Refund(models.Model):
    """The whole of an order's money, given back once."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        REFUSED = "refused", "refused"
        NEEDS_PERSON = "needs_person", "needs a person"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.OneToOneField(Order, models.PROTECT, related_name="refund")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="refund_says_why"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "done", "refused", "needs_person"]),
                name="refund_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"refund of {self.order_id} ({self.status})"
