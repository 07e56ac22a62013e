"""What a message's effect was in its own room: its rows, its calls, the provider's ids.

The outbox knows no room; this table says where each handler's effect is to be found. A handler that
is not in it has a timeline without these lines.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.urls import reverse

from credits.models import TextMessage
from orders.models import SagaAttempt, SagaRun
from outbox.models import Message
from pricing.models import PriceChange, PriceReduction

MOST = 20
"""Lines of one effect that are told: a reduction of a category has thousands."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something that happened in the room."""

    at: datetime
    title: str
    text: str = ""
    status: str = "effect"
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The thing that a message is about: what it is called, where its page is, what happened."""

    subject: str
    address: str
    lines: list[Line]
    provider_ids: dict[str, str] = field(default_factory=dict)


def of(message: Message) -> Effect | None:
    """A message's effect, or None where its room has nothing to tell (any more)."""
    find = _FINDERS.get(message.handler)
    if find is None:
        return None
    try:
        return find(message)
    except (KeyError, ValueError, TypeError, ValidationError):  # arguments of another release
        return None


def _reduction(message: Message) -> Effect | None:
    reduction_id = UUID(str(message.args["reduction_id"]))
    reduction = PriceReduction.objects.select_related("product").filter(pk=reduction_id).first()
    if reduction is None:
        return None
    changes = PriceChange.objects.filter(reduction=reduction).select_related("product")
    return Effect(
        subject=str(reduction),
        address=reverse("pricing:reduction", args=[reduction.pk]),
        lines=[
            Line(
                at=one.at,
                title="Effect: the price changed",
                text=f"{one.product.sku}: {one.old_price} → {one.new_price}, version {one.version}",
            )
            for one in changes.order_by("at", "pk")[:MOST]
        ],
    )


def _text(message: Message) -> Effect | None:
    text = TextMessage.objects.filter(pk=int(message.args["text_id"])).first()
    if text is None:
        return None
    return Effect(
        subject=f"Text {text.pk} ({text.state})",
        provider_ids={"provider id": text.sid} if text.sid else {},
        address=reverse("credits:text", args=[text.pk]),
        lines=[
            Line(
                at=one.at,
                title=f"Effect: {one.kind.replace('_', ' ')}",
                text=one.detail,
                detail={"provider id": one.sid} if one.sid else {},
            )
            for one in text.events.order_by("pk")[:MOST]
        ],
    )


def _saga_step(message: Message) -> Effect | None:
    runs = SagaRun.objects.select_related("order__payment", "order__shipment")
    run = runs.filter(pk=message.args["run_id"]).first()
    if run is None:
        return None
    known = {
        "payment's provider id": getattr(getattr(run.order, "payment", None), "intent", ""),
        "tracking number": getattr(getattr(run.order, "shipment", None), "tracking_number", ""),
    }
    calls = SagaAttempt.objects.filter(message_id=message.pk).select_related("step")
    return Effect(
        subject=str(run.order),
        address=reverse("orders:order", args=[run.order_id]),
        lines=[line for call in calls.order_by("pk")[:MOST] for line in _call(call)],
        provider_ids={name: one for name, one in known.items() if one},
    )


def _call(call: SagaAttempt) -> list[Line]:
    named = f"{'undo ' * call.backwards}{call.step.name}, attempt {call.number}"
    began = Line(
        at=call.started_at,
        title=f"Outside call: {named}",
        text="Committed before the call, under a lease.",
        detail={"fencing token and provider key": call.pk},
    )
    if call.finished_at is None:
        return [began]
    said = f"{call.detail} Later: {call.late}" if call.late else call.detail
    return [
        began,
        Line(at=call.finished_at, title=f"The provider's answer: {call.outcome}", text=said),
    ]


_FINDERS: dict[str, Callable[[Message], Effect | None]] = {
    "pricing.apply_reduction": _reduction,
    "credits.send_text": _text,
    "orders.run_step": _saga_step,
}
