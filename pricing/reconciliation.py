"""What should hold between products, their changes and their reductions; checked every night."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from outbox.models import Message
from outbox.reconciliation import Check, Page, Suspect, register
from outbox.reconciliation.checks import paged
from pricing.models import PriceChange, PriceReduction, Product
from pricing.services import apply

PAGE = 10_000
TOO_LONG = timedelta(minutes=10)
NO_ID = "00000000-0000-0000-0000-000000000000"


class DueNotApplied(Check):
    """A reduction whose time has come, and that no waiting message will apply."""

    name = "pricing.due_not_applied"

    def page(self, after: str) -> Page:
        return paged(_SCHEDULED, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        latest = Now() - TOO_LONG
        due = Q(starts_at__lt=latest) | Q(starts_at=None, created_at__lt=latest)
        scheduled = PriceReduction.objects.filter(pk=subject, status="scheduled")
        reduction = scheduled.filter(due).locked().first()
        if reduction is None:
            return None
        message = reduction.message_id
        if message and Message.objects.waiting().among([message]).exists():
            return None  # the outbox's own checks look after what waits
        return Suspect("due_not_applied", subject, {"message": str(message)})

    def repair(self, suspect: Suspect) -> str:
        reduction = PriceReduction.objects.get(pk=suspect.subject)
        apply.enqueue_continuation(reduction, expires_at=reduction.expires_at)
        return "enqueued again"

    def address(self, suspect: Suspect) -> str:
        return reverse("pricing:reduction", args=[suspect.subject])


class PriceIsNotTheLastChange(Check):
    """The append-only changes are the truth; a price beside them was written past the services."""

    name = "pricing.price_is_not_the_last_change"

    def page(self, after: str) -> Page:
        return paged(_PRICES, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        # Whoever changes a price holds its product first: by this lock both are seen as they are.
        product = Product.objects.locked().filter(pk=subject).first()
        if product is None:
            return None
        last = product.price_changes.order_by("-version").first()
        if last is not None and (last.new_price, last.version) == (product.price, product.version):
            return None
        evidence = {"price": str(product.price), "version": product.version}
        if last is not None:
            evidence |= {"last_change": str(last.new_price), "its_version": last.version}
        return Suspect("price_is_not_the_last_change", product.sku, evidence)

    def repair(self, suspect: Suspect) -> str:
        if "last_change" not in suspect.evidence:
            return ""
        price, version = suspect.evidence["last_change"], suspect.evidence["its_version"]
        Product.objects.filter(sku=suspect.subject).update(
            price=price, version=version, revision=F("revision") + 1
        )
        return f"price set back to {price}, the last change"

    def address(self, suspect: Suspect) -> str:
        return f"{reverse('pricing:products')}?{urlencode({'search': suspect.subject})}"


class AppliedTwice(Check):
    """One reduction changed one product twice: the constraint that refuses it must be missing."""

    name = "pricing.applied_twice"

    def page(self, after: str) -> Page:
        return paged(_CHANGES, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        change = PriceChange.objects.select_related("product").filter(pk=subject).first()
        if change is None:
            return None
        evidence = {"reduction": str(change.reduction_id), "sku": change.product.sku}
        return Suspect("applied_twice", subject, evidence)

    def address(self, suspect: Suspect) -> str:
        return reverse("pricing:reduction", args=[suspect.evidence["reduction"]])


class OutcomesDiffer(Check):
    """A reduction has ended with every product decided, and has changed the price of those applied.

    No other price names it, and its status says whether it was applied to any.
    Which of its rows is right, nobody can say who sees them alone: it is for a person.
    """

    name = "pricing.outcomes_differ"

    def page(self, after: str) -> Page:
        page = paged(_TARGETS, after, ["0"], PAGE)
        return replace(page, subjects=[*dict.fromkeys(page.subjects)])

    def confirm(self, subject: str) -> Suspect | None:
        # All three are written by one transaction: one statement sees all of them, or none.
        with connection.cursor() as cursor:
            cursor.execute(_OUTCOMES, {"reduction": subject})
            row = cursor.fetchone()
        if row is None:
            return None
        status, undecided, unchanged, changed, strange, applied = row
        differing = {
            "undecided": undecided if status in ("applied", "skipped") else 0,
            "applied_without_a_change": unchanged,
            "changed_and_not_applied": changed,
        }
        # Only where they are so: an acknowledged finding stays known by the evidence it had.
        if strange:
            differing["changed_and_no_target"] = strange
        if (status, applied > 0) in (("applied", False), ("skipped", True)):
            differing["status_is_wrong"] = True
        if not any(differing.values()):
            return None
        return Suspect("outcomes_differ", subject, {"status": status} | differing)

    def address(self, suspect: Suspect) -> str:
        return reverse("pricing:reduction", args=[suspect.subject])


_SCHEDULED = """
    SELECT id, CASE WHEN coalesce(starts_at, created_at) < now() - interval '10 minutes' THEN id END
    FROM pricing_pricereduction
    WHERE status = 'scheduled' AND id > %s::uuid ORDER BY id LIMIT %s
"""

_PRICES = """
    SELECT product.id, CASE
        WHEN (product.price, product.version) IS DISTINCT FROM (last.new_price, last.version)
        THEN product.id END
    FROM pricing_product AS product LEFT JOIN LATERAL (
        SELECT new_price, version FROM pricing_pricechange
        WHERE product_id = product.id ORDER BY version DESC LIMIT 1
    ) AS last ON true
    WHERE product.id > %s::bigint ORDER BY product.id LIMIT %s
"""

_CHANGES = """
    SELECT id, CASE WHEN EXISTS (
        SELECT 1 FROM pricing_pricechange AS earlier
        WHERE earlier.reduction_id = change.reduction_id
          AND earlier.product_id = change.product_id AND earlier.id < change.id
    ) THEN id END
    FROM pricing_pricechange AS change
    WHERE reduction_id IS NOT NULL AND id > %s::bigint ORDER BY id LIMIT %s
"""

# What is to be said of a reduction as a whole is asked at its first target, once. By OFFSET 0 it is
# asked of this reduction: without, whole tables are hashed for each page.
_TARGETS = """
    SELECT target.id, CASE
        WHEN (target.outcome IS NULL AND reduction.status IN ('applied', 'skipped'))
          OR (target.outcome = 'applied' AND reduction.status = 'skipped')
          OR (target.outcome IS NOT DISTINCT FROM 'applied') <> EXISTS (
            SELECT FROM pricing_pricechange AS change
            WHERE change.reduction_id = target.reduction_id
              AND change.product_id = target.product_id
        ) THEN target.reduction_id
        WHEN EXISTS (
            SELECT FROM pricing_reductiontarget AS earlier
            WHERE earlier.reduction_id = target.reduction_id
              AND earlier.product_id < target.product_id
        ) THEN NULL
        WHEN (reduction.status = 'applied' AND NOT EXISTS (
            SELECT FROM pricing_reductiontarget AS another
            WHERE another.reduction_id = target.reduction_id AND another.outcome = 'applied'
            OFFSET 0
        )) OR EXISTS (
            SELECT FROM pricing_pricechange AS change
            WHERE change.reduction_id = target.reduction_id AND NOT EXISTS (
                SELECT FROM pricing_reductiontarget AS another
                WHERE another.reduction_id = change.reduction_id
                  AND another.product_id = change.product_id
            ) OFFSET 0
        ) THEN target.reduction_id END
    FROM pricing_reductiontarget AS target
    JOIN pricing_pricereduction AS reduction ON reduction.id = target.reduction_id
    WHERE target.id > %s::bigint ORDER BY target.id LIMIT %s
"""

_OUTCOMES = """
    SELECT reduction.status,
        count(*) FILTER (WHERE target.id IS NOT NULL AND target.outcome IS NULL),
        count(*) FILTER (WHERE target.outcome = 'applied' AND change.id IS NULL),
        count(*) FILTER (WHERE target.id IS NOT NULL AND change.id IS NOT NULL
            AND target.outcome IS DISTINCT FROM 'applied'),
        count(*) FILTER (WHERE target.id IS NULL),
        count(*) FILTER (WHERE target.outcome = 'applied')
    FROM (
        SELECT * FROM pricing_reductiontarget WHERE reduction_id = %(reduction)s
    ) AS target FULL JOIN (
        SELECT * FROM pricing_pricechange WHERE reduction_id = %(reduction)s
    ) AS change USING (product_id)
    JOIN pricing_pricereduction AS reduction ON reduction.id = %(reduction)s
    GROUP BY reduction.status
"""

register(DueNotApplied())
register(PriceIsNotTheLastChange())
register(AppliedTwice())
register(OutcomesDiffer())
