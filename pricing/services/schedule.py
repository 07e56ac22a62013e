"""Scheduling a price reduction: once per operation, with the versions that it is based on."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from django.db import connection, transaction
from django.db.models import Max, Q

import outbox
from pricing import inputs
from pricing.inputs import InvalidInput, ReductionRequest
from pricing.models import PriceReduction, Product

KEYED_OPERATIONS = uuid5(NAMESPACE_URL, "onceproof:pricing:reduction")
"""Under this namespace a key names its operation, in every process alike."""


log = structlog.get_logger("pricing.schedule")


class KeyReused(Exception):
    """The key names another reduction, with other arguments. Nothing was scheduled.

    Use a new key for a new reduction; to repeat a request, repeat it unchanged.
    """


def schedule_reduction(
    *,
    actor: str,
    sku: str | None = None,
    category: str | None = None,
    percent: Decimal | str | None = None,
    amount: Decimal | str | None = None,
    starts_at: datetime | str | None = None,
    expires_at: datetime | str | None = None,
    if_price_changed: str = "skip",
    key: str | None = None,
) -> PriceReduction:
    """Schedule a reduction of one product's price, or of a whole category's, and return it.

    It is based on the prices of this moment, by their versions. A second call with the same
    `key` and arguments returns the first one's reduction, from any process and at any time, even
    when its start has passed; without a key each call is a reduction of its own.

    Raises InvalidInput (which says what to do), or KeyReused. Neither changes anything.
    """
    request = inputs.reduction_request(
        sku=sku,
        category=category,
        percent=percent,
        amount=amount,
        starts_at=starts_at,
        expires_at=expires_at,
        if_price_changed=if_price_changed,
    )
    with transaction.atomic():
        # The unique constraint makes callers with one key wait here for the first of them.
        reduction, created = PriceReduction.objects.get_or_create(
            operation_id=_operation(key), defaults={**_columns(request), "created_by": actor}
        )
        if created:
            # Not earlier: a repeated request gets its reduction, whatever has happened since.
            _refuse_impossible(reduction)
            _take_snapshot(reduction)
            _enqueue(reduction)
            transaction.on_commit(lambda: _note(reduction, key))
    _demand_same(reduction, request, key)
    return reduction


def _operation(key: str | None) -> UUID:
    """The operation that a key names, in every process alike; without one, a new operation."""
    if key is None:
        return outbox.ids.uuid7()
    try:
        return uuid5(KEYED_OPERATIONS, inputs.text(key))
    except ValueError as refusal:
        raise InvalidInput({"key": str(refusal)}) from None


def _columns(request: ReductionRequest) -> dict[str, Any]:
    return {
        "product": _find_product(request.sku) if request.sku else None,
        "category": request.category or "",
        "percent": request.percent,
        "amount": request.amount,
        "starts_at": request.starts_at,
        "expires_at": request.expires_at,
        "if_price_changed": request.if_price_changed,
    }


def _find_product(sku: str) -> Product:
    try:
        return Product.objects.get(sku=sku)
    except Product.DoesNotExist:
        raise InvalidInput({"sku": f'no product has "{sku}"; look it up.'}) from None


def _refuse_impossible(reduction: PriceReduction) -> None:
    """Refuse what could never be applied. The row is written: its time is the database's."""
    now = reduction.created_at
    past = f"is past (it is {now:%Y-%m-%dT%H:%M:%SZ}); give a later moment."
    errors = {}
    if reduction.starts_at and reduction.starts_at < now:
        errors["starts_at"] = past
    if reduction.expires_at and reduction.expires_at <= now:
        errors["expires_at"] = past
    highest = Product.objects.filter(_scope(reduction)).aggregate(Max("price"))["price__max"]
    if highest is None:
        errors["category"] = f'no product is in "{reduction.category}"; check the spelling.'
    elif reduction.amount and reduction.amount > highest:
        errors["amount"] = f"{reduction.amount} is above the price of {highest}; take off less."
    if errors:
        raise InvalidInput(errors)


def _scope(reduction: PriceReduction) -> Q:
    return Q(pk=reduction.product_id) if reduction.product_id else Q(category=reduction.category)


def _take_snapshot(reduction: PriceReduction) -> None:
    """Note which products are meant, at which versions: what is inserted later is not."""
    products, parameters = (
        Product.objects.filter(_scope(reduction))
        .order_by("pk")
        .values_list("pk", "version")
        .query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO pricing_reductiontarget (reduction_id, product_id, based_on_version, reason)
            SELECT %s, product.id, product.version, '' FROM ({products}) AS product (id, version)
            """,  # noqa: S608 - the query is Django's own, its values are parameters
            [reduction.pk, *parameters],
        )


def _enqueue(reduction: PriceReduction) -> None:
    reduction.message_id = outbox.enqueue(
        "pricing.apply_reduction",
        args={"reduction_id": str(reduction.pk)},
        due_at=reduction.starts_at,
        expires_at=reduction.expires_at,
        operation_id=reduction.operation_id,
    ).message_id
    PriceReduction.objects.filter(pk=reduction.pk).update(message_id=reduction.message_id)


def _note(reduction: PriceReduction, key: str | None) -> None:
    """One log line by which those of the request, the message and the worker find together."""
    log.info(
        "reduction scheduled",
        reduction_id=str(reduction.pk),
        operation_id=str(reduction.operation_id),
        message_id=str(reduction.message_id),
        **({"idempotency_key": key} if key else {}),  # a request's own is there already
    )


def _demand_same(reduction: PriceReduction, request: ReductionRequest, key: str | None) -> None:
    asked = _columns(request)
    differing = [name for name, value in asked.items() if getattr(reduction, name) != value]
    if differing:
        raise KeyReused(
            f"The key {key!r} already names another reduction ({reduction.pk}), which differs in "
            f"{', '.join(differing)}. Use a new key, or repeat the first request unchanged."
        )
