"""The mistakes themselves: each function takes what the application does, and returns the naive
form of it. See `bugs` for what each is an example of."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

Run = Callable[..., Any]


def without_lock(statement: str) -> str:
    """A claim that reads what it should hold."""
    for lock in ("FOR NO KEY UPDATE OF message SKIP LOCKED", "FOR NO KEY UPDATE SKIP LOCKED"):
        statement = statement.replace(lock, "")
    return statement


def without_guard(statement: str) -> str:
    """A mark that overwrites whatever somebody else has written."""
    return statement.replace("AND state = 'pending'", "")


def done_first(_: Run) -> Run:
    """Claim and mark, commit; then the effect."""

    def run(handler: Any, claim: Any, record: Any, expected: int, delivery: Any, *rest: Any) -> Any:
        tally, open_next = rest
        with transaction.atomic():
            claimed = claim()
            _mark(claimed, delivery)
        with transaction.atomic():
            _effect(handler, claimed)
        tally.done += len(claimed)
        return _next(open_next)

    return run


def done_last(_: Run) -> Run:
    """Claim; the effect, commit; then the mark."""

    def run(handler: Any, claim: Any, record: Any, expected: int, delivery: Any, *rest: Any) -> Any:
        tally, open_next = rest
        claimed = claim()
        with transaction.atomic():
            _effect(handler, claimed)
        with transaction.atomic():
            _mark_whatever(claimed)
        tally.done += len(claimed)
        return _next(open_next)

    return run


def claim_for_ever(_: Run) -> Run:
    """Claim by a mark, commit; then the effect. Nobody ever looks for marks of the dead."""

    def run(handler: Any, claim: Any, record: Any, expected: int, delivery: Any, *rest: Any) -> Any:
        tally, open_next = rest
        with transaction.atomic():
            claimed = claim()
            _take_for_ever(claimed)
        with transaction.atomic():
            _effect(handler, claimed)
            _mark(claimed, delivery)
        tally.done += len(claimed)
        return _next(open_next)

    return run


def charge_under_a_fresh_key(confirm: Callable[..., Any]) -> Callable[..., Any]:
    """A payment is made anew for each attempt, under a key that nobody has written down."""

    def charge(*, key: str, intent: str) -> Any:
        from orders.models import Payment
        from orders.providers import stripe_api

        payment = Payment.objects.select_related("order").get(intent=intent)
        anew = stripe_api.create_intent(
            key=str(uuid4()),
            amount=payment.amount,
            payment_method=payment.order.payment_method,
            metadata={"order": str(payment.order_id)},
        )
        confirmed = confirm(key=str(uuid4()), intent=anew.id)
        Payment.objects.filter(pk=payment.pk).update(intent=anew.id)
        return confirmed

    return charge


def write_balance(_: Callable[..., None]) -> Callable[..., None]:
    """Read, add, save."""

    def change(community_id: int, *, credits: int = 0, held: int = 0) -> None:  # noqa: A002
        from credits.models import Community

        community = Community.objects.get(pk=community_id)
        community.credits += credits
        community.held += held
        community.save()

    return change


def _effect(handler: Any, claimed: list[Any]) -> None:
    from outbox import execution

    if claimed:
        execution._call(handler, claimed)


def _mark(claimed: list[Any], delivery: Any) -> None:
    from outbox import claims

    if claimed:
        claims.mark_done(claimed, delivery)


def _mark_whatever(claimed: list[Any]) -> None:
    from outbox.models import Message

    waiting = Message.objects.filter(id__in=[one.id for one in claimed], state="pending")
    waiting.update(state="done", finished_at=_now(), attempts=1)


def _take_for_ever(claimed: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_message SET due_at = now() + interval '1 year' WHERE id = ANY(%s)",
            [[one.id for one in claimed]],
        )


def _next(open_next: Callable[[], Any]) -> Any:
    with transaction.atomic():
        return open_next()


def _now() -> Any:
    from django.db.models.functions import Now

    return Now()
