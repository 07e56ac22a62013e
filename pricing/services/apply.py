"""Applying a reduction: chunk after chunk, each product decided once, or not at all."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

import outbox
from pricing import ledger, rules
from pricing.models import PriceReduction, Product, ReductionTarget

CHUNK = 500
"""Products per transaction: tens of milliseconds of row locks; 200 of them for 100,000 products."""

Status = PriceReduction.Status
Outcome = ReductionTarget.Outcome
RUNNABLE = (Status.SCHEDULED, Status.FAILED, Status.EXPIRED)
"""The latter two only where a person has redriven the message. Cancelled is final."""

log = structlog.get_logger("pricing.apply")


def apply_reduction(*, reduction_id: str) -> None:
    """Decide the next products of a reduction; enqueue its continuation, or finish it.

    A second call after the end changes nothing: the reduction's status and each target's outcome
    are decided under the reduction's lock, which cancelling takes as well.
    """
    with transaction.atomic():
        reduction = PriceReduction.objects.locked().get(pk=reduction_id)
        if reduction.status not in RUNNABLE:
            log.info("reduction left alone", reduction_id=reduction_id, status=reduction.status)
            return
        targets = list(_undecided(reduction)[:CHUNK])
        _apply_chunk(reduction, targets)
        if len(targets) == CHUNK:
            enqueue_continuation(reduction, expires_at=_expiry(reduction))
        else:
            _finish(reduction)


def abandon_reduction(args: dict[str, Any], state: str, reason: str) -> None:
    """Close a reduction whose message ended otherwise than done; one that has ended stays so."""
    status = {"expired": Status.EXPIRED, "dead": Status.FAILED}.get(state, Status.CANCELLED)
    scheduled = PriceReduction.objects.filter(pk=args["reduction_id"], status=Status.SCHEDULED)
    for reduction in scheduled:
        scheduled.update(
            status=status,
            reason=(reason or f"its message is {state}")[:400] + _progress(reduction),
            finished_at=Now(),
        )


def _progress(reduction: PriceReduction) -> str:
    counts = reduction.targets.aggregate(all=Count("pk"), decided=Count("outcome"))
    if not counts["decided"]:
        return ""
    return f" {counts['decided']} of {counts['all']} products had been decided by then."


def _undecided(reduction: PriceReduction) -> Any:
    return reduction.targets.filter(outcome=None).order_by("product_id")


def _apply_chunk(reduction: PriceReduction, targets: Sequence[ReductionTarget]) -> None:
    terms = _terms(reduction)
    products = Product.objects.locked().in_bulk([target.product_id for target in targets])
    prices = []
    for target in targets:
        product = products[target.product_id]
        decision = rules.decide(terms, _standing(product, target))
        target.outcome = Outcome.APPLIED if decision.applied else Outcome.SKIPPED
        target.reason = decision.reason
        if decision.new_price is not None:
            prices.append(_new_price(product, decision.new_price))
    ledger.record_reduced_prices(prices, reduction_id=reduction.pk, actor=reduction.created_by)
    _record_outcomes(reduction, targets)


def _terms(reduction: PriceReduction) -> rules.Terms:
    return rules.Terms(
        percent=reduction.percent,
        amount=reduction.amount,
        apply_to_changed_price=reduction.if_price_changed == PriceReduction.IfPriceChanged.APPLY,
    )


def _standing(product: Product, target: ReductionTarget) -> rules.Standing:
    return rules.Standing(
        price=product.price,
        floor=product.floor,
        version=product.version,
        based_on_version=target.based_on_version,
    )


def _new_price(product: Product, price: Decimal) -> ledger.NewPrice:
    return ledger.NewPrice(
        product_id=product.pk, version=product.version, old=product.price, new=price
    )


def _record_outcomes(reduction: PriceReduction, targets: Sequence[ReductionTarget]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE pricing_reductiontarget AS target
            SET outcome = decided.outcome, reason = decided.reason
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS decided (id, outcome, reason)
            WHERE target.id = decided.id AND target.outcome IS NULL
            """,
            [
                [target.pk for target in targets],
                [target.outcome for target in targets],
                [target.reason for target in targets],
            ],
        )
        decided = cursor.rowcount
    if decided != len(targets):
        raise RuntimeError(f"{len(targets) - decided} targets of {reduction.pk} were decided twice")


def enqueue_continuation(reduction: PriceReduction, *, expires_at: datetime | None) -> None:
    """Enqueue what decides the rest of a reduction that the caller holds; it is scheduled again.

    A second call enqueues a second message, which finds nothing left to decide.
    """
    message = outbox.enqueue(
        "pricing.apply_reduction",
        args={"reduction_id": str(reduction.pk)},
        expires_at=expires_at,
        operation_id=reduction.operation_id,
    )
    _update(reduction, message_id=message.message_id, status=Status.SCHEDULED, finished_at=None)


def _expiry(reduction: PriceReduction) -> datetime | None:
    """As of the chunk that is running: one that a person has redriven has none any more."""
    message = outbox.current_message()
    return message.expires_at if message else reduction.expires_at


def _finish(reduction: PriceReduction) -> None:
    counts = reduction.targets.aggregate(
        all=Count("pk"), applied=Count("pk", filter=Q(outcome=Outcome.APPLIED))
    )
    if counts["applied"]:
        _update(reduction, status=Status.APPLIED, finished_at=Now())
        return
    reason = reduction.targets.order_by("product_id").values_list("reason", flat=True)[0]
    if counts["all"] > 1:
        reason = f"all {counts['all']} products were skipped, the first because: {reason}"
    _update(reduction, status=Status.SKIPPED, reason=reason, finished_at=Now())


def _update(reduction: PriceReduction, **columns: Any) -> None:
    """Write to the reduction whose lock is held; what is not named here goes back to empty."""
    PriceReduction.objects.filter(pk=reduction.pk).update(**{"reason": "", **columns})
