"""The tables of pricing. Each constraint's name is the sentence that it enforces."""

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from outbox.ids import uuid7
from pricing.locks import ProductQuerySet, ReductionQuerySet, StockQuerySet


class Product(models.Model):
    """A product's price is the new price of its last PriceChange; `version` counts those changes.

    `revision` counts every write to the row, so that two editors notice each other whatever they
    edit; a reduction asks for the price's version alone, and a new name does not disturb it.
    """

    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    floor = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0), db_default=0)
    version = models.PositiveIntegerField(default=1, db_default=1)
    revision = models.PositiveIntegerField(default=1, db_default=1)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["sku"]
        # The snapshot that scheduling takes of a category; the list of categories.
        indexes = [models.Index(fields=["category"], name="product_category")]
        constraints = [
            models.UniqueConstraint(fields=["sku"], name="product_once_per_sku"),
            models.CheckConstraint(condition=Q(floor__gte=0), name="product_floor_never_negative"),
            # Together with the one above: never negative.
            models.CheckConstraint(
                condition=Q(price__gte=F("floor")), name="product_price_never_below_floor"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class Stock(models.Model):
    """How many of a product are on hand, and how many of those are reserved for open orders.

    A row of its own: selling and repricing the same product do not wait for each other. A product
    without one has no stock.
    """

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.PositiveIntegerField(default=0, db_default=0)
    reserved = models.PositiveIntegerField(default=0, db_default=0)

    objects = StockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="stock_never_negative"),
            models.CheckConstraint(
                condition=Q(on_hand__gte=F("reserved")), name="stock_is_never_reserved_twice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.on_hand}, {self.reserved} of them reserved"


class PriceReduction(models.Model):
    """One operation: a percentage or an amount off, once, for the products that it was based on."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "scheduled"
        APPLIED = "applied", "applied"  # to one product at least
        SKIPPED = "skipped", "skipped"  # by its own rules, for every product
        EXPIRED = "expired", "expired"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"  # its message is a dead letter; redriven, it goes on

    class IfPriceChanged(models.TextChoices):
        SKIP = "skip", "skip the product"
        APPLY = "apply", "apply to the new price"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operation_id = models.UUIDField(editable=False)
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, related_name="+")
    category = models.CharField(max_length=100, blank=True, default="")
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    if_price_changed = models.CharField(
        max_length=5, choices=IfPriceChanged.choices, default=IfPriceChanged.SKIP
    )
    starts_at = models.DateTimeField(null=True, blank=True)  # NULL: at once
    expires_at = models.DateTimeField(null=True, blank=True)  # the last moment to apply

    status = models.CharField(max_length=9, choices=Status.choices, default=Status.SCHEDULED)
    reason = models.CharField(max_length=500, blank=True, default="")
    message_id = models.UUIDField(null=True, editable=False)  # the latest: retention may prune it
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReductionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status="scheduled"), name="reduction_still_scheduled"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["operation_id"], name="reduction_once_per_operation"),
            models.CheckConstraint(
                condition=Q(product__isnull=False, category="")
                | (Q(product__isnull=True) & ~Q(category="")),
                name="reduction_is_of_one_product_or_one_category",
            ),
            models.CheckConstraint(
                # NULL passes a CHECK: each side says which of the two it needs.
                condition=Q(
                    percent__isnull=False, percent__gt=0, percent__lte=100, amount__isnull=True
                )
                | Q(percent__isnull=True, amount__isnull=False, amount__gt=0),
                name="reduction_is_by_percent_or_by_amount",
            ),
            models.CheckConstraint(
                condition=Q(if_price_changed__in=["skip", "apply"]),
                name="reduction_policy_is_known",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("starts_at")),
                name="reduction_expires_after_its_start",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["scheduled", "applied"], reason="")
                | (Q(status__in=["skipped", "expired", "cancelled", "failed"]) & ~Q(reason="")),
                name="reduction_says_why_it_was_not_applied",
            ),
            models.CheckConstraint(
                condition=Q(status="scheduled", finished_at__isnull=True)
                | (~Q(status="scheduled") & Q(finished_at__isnull=False)),
                name="reduction_has_finish_time_when_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terms} off {self.scope} ({self.status})"

    @property
    def terms(self) -> str:
        """What is taken off, for people: "10 %" or "1.00"."""
        return (
            f"{self.percent.normalize():f} %" if self.percent is not None else f"{self.amount:.2f}"
        )

    @property
    def scope(self) -> str:
        """Whose price is reduced, for people: the SKU, or the category."""
        return self.product.sku if self.product else f"category {self.category}"

    @property
    def due_at(self) -> datetime:
        """When it is to be applied: its start, or the moment in which it was scheduled."""
        return self.starts_at or self.created_at


class ReductionTarget(models.Model):
    """A product as it was when its reduction was scheduled, and what became of it: decided once."""

    class Outcome(models.TextChoices):
        APPLIED = "applied", "applied"
        SKIPPED = "skipped", "skipped"

    reduction = models.ForeignKey(
        PriceReduction, models.CASCADE, related_name="targets", db_index=False
    )
    product = models.ForeignKey(Product, models.PROTECT, related_name="targets")
    based_on_version = models.PositiveIntegerField()
    outcome = models.CharField(  # noqa: DJ001 - NULL: not decided yet
        max_length=7, choices=Outcome.choices, null=True
    )
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = [
            # The next chunk of a reduction: what is done leaves the index.
            models.Index(
                fields=["reduction", "product"],
                condition=Q(outcome__isnull=True),
                name="target_undecided",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reduction", "product"], name="target_once_per_reduction_and_product"
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True, reason="")
                | Q(outcome__isnull=False, outcome="applied", reason="")
                | (Q(outcome__isnull=False, outcome="skipped") & ~Q(reason="")),
                name="target_says_why_it_was_skipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.reduction_id}: {self.outcome or 'undecided'}"


class PriceChange(models.Model):
    """One step of a product's price. Append-only: a trigger refuses UPDATE and DELETE."""

    class Cause(models.TextChoices):
        IMPORT = "import", "import"
        EDIT = "edit", "edit"
        REDUCTION = "reduction", "reduction"

    product = models.ForeignKey(
        Product, models.PROTECT, related_name="price_changes", db_index=False
    )
    version = models.PositiveIntegerField()  # the product's version that this change made
    old_price = models.DecimalField(max_digits=10, decimal_places=2, null=True)  # NULL: the first
    new_price = models.DecimalField(max_digits=10, decimal_places=2)
    cause = models.CharField(max_length=9, choices=Cause.choices)
    reduction = models.ForeignKey(
        PriceReduction, models.PROTECT, null=True, related_name="price_changes", db_index=False
    )
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["product", "version"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "version"], name="price_change_once_per_version"
            ),
            models.UniqueConstraint(
                fields=["reduction", "product"], name="price_change_once_per_reduction"
            ),
            models.CheckConstraint(
                condition=Q(old_price__isnull=True) | ~Q(old_price=F("new_price")),
                name="price_change_changes_the_price",
            ),
            models.CheckConstraint(
                condition=Q(new_price__gte=0), name="price_change_never_negative"
            ),
            models.CheckConstraint(
                condition=Q(cause="reduction", reduction__isnull=False)
                | Q(cause__in=["import", "edit"], reduction__isnull=True),
                name="price_change_names_its_reduction",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.old_price} → {self.new_price} ({self.cause})"
